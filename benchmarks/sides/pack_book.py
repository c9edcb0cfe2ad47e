"""Packs a folder of class folders as the book does; prints what `packing.py` reads.

That is seconds, images, megabytes, and the seconds until all is on the disk, as it is with dlcv.
Each image is read, resized and cropped in Python, 1,000 are buffered, and float64 is written; the
means by channel are taken on the way.
"""

import json
import os
import sys
import time
from pathlib import Path

import cv2
import h5py
import numpy as np

SOURCE, TARGET, SIZE = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
BUFFERED = 1000


def main() -> None:
    start = time.perf_counter()
    paths = sorted(SOURCE.glob("*/*"))
    names = sorted({path.parent.name for path in paths})
    means = []
    with h5py.File(TARGET, "w") as file:
        images = file.create_dataset("images", (len(paths), SIZE, SIZE, 3), dtype="float")
        labels = file.create_dataset("labels", (len(paths),), dtype="int")
        for at in range(0, len(paths), BUFFERED):
            part = paths[at : at + BUFFERED]
            buffer = []
            for path in part:
                image = prepared(cv2.imread(str(path)))
                means.append(cv2.mean(image)[:3])
                buffer.append(image)
            images[at : at + len(part)] = buffer
            labels[at : at + len(part)] = [names.index(path.parent.name) for path in part]
    seconds = time.perf_counter() - start
    with open(TARGET, "rb") as file:
        os.fsync(file.fileno())
    flushed = time.perf_counter() - start
    print(json.dumps([seconds, len(paths), TARGET.stat().st_size / 1e6, flushed]))


def prepared(image: np.ndarray) -> np.ndarray:
    """Brings the shorter side to the size, cuts the middle out, and resizes to the exact size."""
    height, width = image.shape[:2]
    factor = SIZE / min(height, width)
    whole = (round(width * factor), round(height * factor))
    image = cv2.resize(image, whole, interpolation=cv2.INTER_AREA)
    top, left = (image.shape[0] - SIZE) // 2, (image.shape[1] - SIZE) // 2
    image = image[top : image.shape[0] - top, left : image.shape[1] - left]
    return cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA)


if __name__ == "__main__":
    main()
