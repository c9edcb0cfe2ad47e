"""What all sides share: how fast batches come, printed as JSON. It imports nothing heavy."""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

WARM_UP_SECONDS = 2.0
TASK, DATA, SECONDS = sys.argv[1], sys.argv[2], float(sys.argv[3])
"""`cifar` or `flowers`, where the images are, and how long to measure."""
BATCH = {"cifar": 128, "flowers": 64}[TASK]
PATCH = {"cifar": None, "flowers": 227}[TASK]
"""The side of the random region, in pixels."""
ROTATION, SHIFT, SHEAR, ZOOM = 30.0, 0.1, 11.46, 0.2
"""Degrees, fractions of the side, degrees (0.2 radians), fraction."""


def measure(batches: Iterator[int]) -> None:
    """Prints images/s of an endless iterator of batches' sizes, and the processors it took."""
    warm = time.perf_counter() + WARM_UP_SECONDS
    next(batches)
    while time.perf_counter() < warm:
        next(batches)
    images, start, spent = 0, time.perf_counter(), processor_seconds()
    while time.perf_counter() - start < SECONDS:
        images += next(batches)
    seconds = time.perf_counter() - start
    spent = processor_seconds() - spent
    print(json.dumps({"rate": images / seconds, "processors": spent / seconds}))


def processor_seconds() -> float:
    """Returns the processor time of this process and of its living children."""
    children = Path("/proc/self/task").glob("*/children")
    total = time.process_time()
    for child in " ".join(path.read_text() for path in children).split():
        fields = Path("/proc", child, "stat").read_text().rpartition(")")[2].split()
        total += sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
    return total
