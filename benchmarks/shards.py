"""Peak memory of reading images of 64 x 64 that are kept as JPEG in 64 files: 1,000,000 and 10,000.

Each count is opened, divided and read from, 300 batches of 64, in processes of their own.
"""

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from processes import run, spread

from dlcv_plugins.stores.hdf5_contents import ContentWriter

ROUNDS = 3
COUNTS = (10_000, 1_000_000)
SHARDS, SIZE, CLASSES = 64, 64, 10
DISTINCT = 1_000
"""Images that differ; the others are copies of them."""
READ = """
import itertools, sys
from dlcv.config import SplitConfig
from dlcv.data.loader import Loader
from dlcv.data.pipeline import Pipeline
from dlcv.data.sources import find_store, open_dataset

data = open_dataset(find_store(sys.argv[1]), SplitConfig(), threads=2, look=False)
loader = Loader(data.splits["train"], Pipeline.of([]), batch_size=64, threads=2, seed=0)
for _ in itertools.islice(loader.stream(0), 300):
    pass
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    peaks: dict[int, list[float]] = {count: [] for count in COUNTS}
    with tempfile.TemporaryDirectory() as folder:
        for count in COUNTS:
            write(Path(folder, str(count)), count)
        for _ in range(options.rounds):
            for count, found in peaks.items():
                found.append(run([sys.executable, "-c", READ, f"{folder}/{count}"])[1])
    print("peak memory of the process in MB, median (range)")
    for count, found in peaks.items():
        print(f"{count:9,} images  {spread(found)}")
    small, large = (statistics.median(found) for found in peaks.values())
    print(f"{1e6 * (large - small) / (COUNTS[1] - COUNTS[0]):.0f} bytes for each image more")
    print("load of the machine:", *(f"{load:.1f}" for load in os.getloadavg()))


def write(folder: Path, count: int) -> None:
    """Writes the files of a packed set's training images."""
    rng = np.random.default_rng(0)
    contents = []
    for _ in range(DISTINCT):
        image = cv2.resize(rng.integers(0, 256, (8, 8, 3), np.uint8), (SIZE, SIZE))
        contents.append(cv2.imencode(".jpg", image)[1].tobytes())
    names = [f"class {number}" for number in range(CLASSES)]
    folder.mkdir()
    for number in range(SHARDS):
        rows = np.arange(count * number // SHARDS, count * (number + 1) // SHARDS)
        with open(folder / f"train-{number:05d}-of-{SHARDS:05d}.hdf5", "xb") as file:
            writer = ContentWriter(file, 3, names)
            for part in np.array_split(rows, -(-len(rows) // DISTINCT)):
                writer.add([contents[row % DISTINCT] for row in part], part % CLASSES)
            writer.finish()


if __name__ == "__main__":
    main()
