"""Reading and augmenting batches: dlcv against the book's path, Keras's layers, and PyTorch.

Random rotation, shift, shear, zoom and flip; for the flowers after a random region of 227 x 227.
dlcv reads what `dlcv data build` packed, the book's path its float64 HDF5 file, the others the
image files. Each side is a process of its own; they take turns, so that other work on the machine
meets all of them. What counts is the median.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import cv2
import h5py
import numpy as np
from processes import run, spread

from dlcv.config import SplitConfig
from dlcv_plugins.commands.data.pack.pack import pack

ROUNDS = 5
SECONDS = 5.0
BOOK_ROWS = 10_000
"""Of CIFAR-10, as float64; the book's path reads them over and over."""
SIZES = {"cifar": 32, "flowers": 256}
TARGETS = {"cifar": 20, "flowers": 10}
"""How often as fast as the better of the book's path and Keras's layers dlcv is to be."""
SIDES = Path(__file__).parent / "sides"


class Result(NamedTuple):
    """What a side printed: images/s, and how many processors it took."""

    rate: float
    processors: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=list(SIZES))
    parser.add_argument("folder", type=Path, help="class folders with training images")
    parser.add_argument("--torch", help="the Python of an environment with PyTorch and Pillow")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        data = prepare(options.task, options.folder.absolute(), Path(work))
        sides = [
            ("dlcv", sys.executable, "ours.py", data["packed"]),
            ("book's path", sys.executable, "book.py", data["float64"]),
            ("Keras layers", sys.executable, "keras_layers.py", options.folder),
        ]
        if options.torch:
            sides.append(("PyTorch", options.torch, "torch_loader.py", options.folder))
        found: dict[str, list[Result]] = {}
        for number in range(options.rounds):
            for name, python, script, path in sides:
                result = run_side(python, script, options.task, path, options.seconds)
                found.setdefault(name, []).append(result)
            shown = ", ".join(f"{name} {results[-1].rate:,.0f}" for name, results in found.items())
            print(f"round {number + 1}: {shown} images/s", flush=True)
    report(options.task, found)


def prepare(task: str, folder: Path, work: Path) -> dict[str, Path]:
    """Packs the images for dlcv, and as the book does."""
    size = SIZES[task]
    pack(
        str(folder),
        work / "packed",
        preprocessors=f"aspect_aware(size={size})",
        split=SplitConfig(),
    )
    paths = sorted(folder.glob("*/*"))
    order = np.random.default_rng(0).permutation(len(paths))[:BOOK_ROWS]
    names = sorted({path.parent.name for path in paths})
    with h5py.File(work / "float64.hdf5", "w") as file:
        images = file.create_dataset("images", (len(order), size, size, 3), "float64")
        labels = file.create_dataset("labels", (len(order), len(names)), "float64")
        for row, index in enumerate(order):
            images[row] = cv2.resize(cv2.imread(str(paths[index])), (size, size))
            labels[row, names.index(paths[index].parent.name)] = 1
    return {"packed": work / "packed", "float64": work / "float64.hdf5"}


def run_side(python: str, script: str, task: str, data: Path, seconds: float) -> Result:
    """Runs one side once."""
    command = [python, str(SIDES / script), task, str(data), str(seconds)]
    return Result(**json.loads(run(command, TF_CPP_MIN_LOG_LEVEL="3")[2].splitlines()[-1]))


def report(task: str, found: dict[str, list[Result]]) -> None:
    """Prints the table."""
    rates = {name: [result.rate for result in results] for name, results in found.items()}
    medians = {name: statistics.median(values) for name, values in rates.items()}
    print(f"{task}: images/s, median (range), and of how many processors")
    for name, results in found.items():
        processors = statistics.median(result.processors for result in results)
        ratio = medians["dlcv"] / medians[name]
        print(f"{name:13} {spread(rates[name])}  {processors:.1f}  dlcv: {ratio:.1f} times as fast")
    better = max(medians["book's path"], medians["Keras layers"])
    print(f"to reach: {TARGETS[task]} times {better:,.0f}; reached: {medians['dlcv'] / better:.1f}")
    print("load of the machine:", *(f"{load:.1f}" for load in os.getloadavg()))


if __name__ == "__main__":
    main()
