"""Packing image files at 256 x 256: dlcv against the book's way, time and size.

Each packs in a process of its own, and they take turns; imports do not count. dlcv also divides
the images, computes checksums, and waits until everything is on the disk, which the book's way does
not: so its rate is given both ways.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

from processes import run, spread

ROUNDS = 5
SIZE = 256
TARGET = 10
SIDES = {"dlcv": "pack_ours.py", "book's way": "pack_book.py"}
FLUSHED = "book's way, on the disk"
FOLDER = Path(__file__).parent / "sides"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="class folders with images")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    rates: dict[str, list[float]] = {name: [] for name in (*SIDES, FLUSHED)}
    sizes = {}
    for number in range(options.rounds):
        for name, script in SIDES.items():
            seconds, images, sizes[name], flushed = pack(script, options.folder)
            rates[name].append(images / seconds)
        rates[FLUSHED].append(images / flushed)
        shown = ", ".join(f"{name} {found[-1]:,.0f}" for name, found in rates.items())
        print(f"round {number + 1}: {shown} images/s", flush=True)
    print("packing: images/s, median (range), and megabytes")
    for name, found in rates.items():
        size = f"{sizes[name]:8.1f} MB" if name in sizes else ""
        print(f"{name:23} {spread(found)}  {size}")
    ours, theirs, flushed = (statistics.median(found) for found in rates.values())
    part = sizes["dlcv"] / sizes["book's way"]
    print(f"to reach: {TARGET} times and 0.125 of the size; reached: {ours / theirs:.1f} times")
    print(f"({ours / flushed:.1f} times where both are on the disk), and {part:.3f} of the size")
    print("load of the machine:", *(f"{load:.1f}" for load in os.getloadavg()))


def pack(script: str, folder: Path) -> tuple[float, int, float, float]:
    """Runs one side once; returns seconds, images, megabytes, and seconds until all is on disk."""
    with tempfile.TemporaryDirectory() as work:
        command = [sys.executable, str(FOLDER / script), str(folder), f"{work}/packed", str(SIZE)]
        seconds, images, megabytes, flushed = json.loads(run(command)[2].splitlines()[-1])
    return seconds, images, megabytes, flushed


if __name__ == "__main__":
    main()
