"""Reading shuffled rows of 64 x 64 pixels: dlcv against h5py's fancy indexing, on one file.

Both read the same batches from the same file, one after the other, in one thread; h5py takes the
indices of a batch in increasing order only. The file is in the page cache for both.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from processes import spread

from dlcv.data.sources import find_store
from dlcv_plugins.stores.hdf5 import Hdf5

ROUNDS = 7
ROWS, SIZE, BATCH = 20_000, 64, 128
H5PY_ROWS = 5_000
"""A part of an epoch is enough for the slow one."""
TARGET = 30


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        ours = find_store(f'hdf5(path="{folder}")').open("train")
        with h5py.File(Path(folder, "train.hdf5")) as file:
            images = file["images"]
            check = np.arange(ROWS - BATCH, ROWS)
            np.testing.assert_array_equal(ours.read(check), images[check])
            rates: dict[str, list[float]] = {"dlcv": [], "h5py": []}
            for _ in range(ROUNDS):
                rates["dlcv"].append(rate(ours.read, ROWS))
                rates["h5py"].append(rate(lambda batch: images[np.sort(batch)], H5PY_ROWS))
    print("shuffled rows of 64 x 64 pixels: rows/s, median (range)")
    for name, found in rates.items():
        print(f"{name:6} {spread(found)}")
    ratio = statistics.median(rates["dlcv"]) / statistics.median(rates["h5py"])
    print(f"to reach: {TARGET} times; reached: {ratio:.0f}")
    print("load of the machine:", *(f"{load:.1f}" for load in os.getloadavg()))


def write(folder: Path) -> None:
    rng = np.random.default_rng(0)
    with Hdf5(path=folder).writer(
        "train", rows=ROWS, image_shape=(SIZE, SIZE, 3), label_names=["a"]
    ) as writer:
        for _ in range(0, ROWS, 1000):
            writer.add(rng.integers(0, 256, (1000, SIZE, SIZE, 3), np.uint8), np.zeros(1000, int))


def rate(read: Callable[[np.ndarray], object], rows: int) -> float:
    order = np.random.default_rng(1).permutation(ROWS)[:rows]
    start = time.perf_counter()
    for at in range(0, rows, BATCH):
        read(order[at : at + BATCH])
    return rows / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
