"""The physical limits of loading: how fast OpenCV alone decodes and warps on all processors.

Each thread repeats OpenCV's call on images that are in memory, and does nothing else. No loader
that uses these calls can be faster.
"""

import argparse
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from processes import spread

ROUNDS = 5
SECONDS = 2.0
THREADS = os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count() or 1
IMAGES = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="class folders with JPEG images")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    paths = sorted(options.folder.glob("*/*.jp*g"))[:IMAGES]
    encoded = [np.frombuffer(path.read_bytes(), np.uint8) for path in paths]
    height, width = cv2.imdecode(encoded[0], cv2.IMREAD_COLOR_RGB).shape[:2]
    works = {f"decoding JPEG, {width} x {height}": lambda: decode(encoded)}
    for size in (32, 227):
        images = np.random.default_rng(0).integers(0, 256, (IMAGES, size, size, 3), np.uint8)
        works[f"warping, {size} x {size}"] = lambda images=images: warp(images)
    print(f"OpenCV alone on {THREADS} threads: images/s, median (range)")
    for name, work in works.items():
        print(f"{name:26} {spread([rate(work) for _ in range(ROUNDS)])}")
    print("load of the machine:", *(f"{load:.1f}" for load in os.getloadavg()))


def decode(encoded: list[np.ndarray]) -> None:
    for content in encoded:
        cv2.imdecode(content, cv2.IMREAD_COLOR_RGB)


def warp(images: np.ndarray) -> None:
    """Turns each image by 20 degrees, linearly, with the edge's pixels from outside."""
    size = images.shape[1]
    matrix = cv2.getRotationMatrix2D((size / 2, size / 2), 20, 1.1)
    result = np.empty_like(images[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for image in images:
        cv2.warpAffine(image, matrix, (size, size), result, flags, cv2.BORDER_REPLICATE)


def rate(work: Callable[[], None]) -> float:
    def repeat(_: int) -> int:
        rounds = 0
        while time.perf_counter() < end:
            work()
            rounds += 1
        return rounds

    start = time.perf_counter()
    end = start + SECONDS
    with ThreadPoolExecutor(THREADS) as executor:
        rounds = sum(executor.map(repeat, range(THREADS)))
    return rounds * IMAGES / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
