"""Peak memory of `dlcv run` on packed sets of 10,000 and of 100,000 images of 32 x 32."""

import os
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from processes import run, spread

from dlcv_plugins.stores.hdf5 import Hdf5

ROUNDS = 3
COUNTS = (10_000, 100_000)
SIZE, CLASSES = 32, 10
COMMAND = [
    *(sys.executable, "-m", "dlcv", "run", "--arch", "shallownet", "--preproc", "mean"),
    *("--epochs", "1", "--batch-size", "128", "--threads", "2", "--quiet"),
]


def main() -> None:
    peaks: dict[int, list[float]] = {count: [] for count in COUNTS}
    with tempfile.TemporaryDirectory() as folder:
        for count in COUNTS:
            write(Path(folder, str(count)), count)
        for number in range(ROUNDS):
            for count in COUNTS:
                name = f"{count}-{number}"
                command = [*COMMAND, "--data", str(Path(folder, str(count))), "--name", name]
                peaks[count].append(run(command, Path(folder))[1])
                print(f"{count:7,} images: {peaks[count][-1]:,.0f} MB", flush=True)
    print("peak memory of the process in MB, median (range)")
    for count, found in peaks.items():
        rows = count * SIZE * SIZE * 3 / 1e6
        print(f"{count:7,} images, {rows:5.0f} MB of rows  {spread(found)}")
    small, large = (statistics.median(found) for found in peaks.values())
    print(f"to reach: the same; reached: {large / small:.3f} times")
    print("load of the machine:", *(f"{load:.1f}" for load in os.getloadavg()))


def write(folder: Path, count: int) -> None:
    """Writes a packed set; 8 of 10 images are for training."""
    rng = np.random.default_rng(0)
    store = Hdf5(path=folder)
    for split, rows in (("train", 8 * count // 10), ("val", count // 10), ("test", count // 10)):
        with store.writer(
            split,
            rows=rows,
            image_shape=(SIZE, SIZE, 3),
            label_names=[f"class {n}" for n in range(CLASSES)],
        ) as writer:
            for start in range(0, rows, 1000):
                images = rng.integers(0, 256, (1000, SIZE, SIZE, 3), np.uint8)
                writer.add(images, np.arange(start, start + 1000) % CLASSES)


if __name__ == "__main__":
    main()
