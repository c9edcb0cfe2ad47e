"""Exported models against Keras on this processor: size, largest difference, images a second.

Each side predicts the same held-out images, prepared before, through what `dlcv` uses; Keras by
`predict_on_batch`, as `dlcv` does. All sides in one process, in turns, with as many threads each.
Formats whose packages are missing are left out.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from processes import spread

import dlcv
from dlcv import registry
from dlcv.errors import DlcvError

ROUNDS = 7
BATCHES = (64, 1)
SECONDS = 1.0
"""So long each side predicts in a round."""


def rate(predict: Callable[[np.ndarray], object], pixels: np.ndarray) -> float:
    """Returns images a second."""
    start, images = time.perf_counter(), 0
    while (passed := time.perf_counter() - start) < SECONDS:
        predict(pixels)
        images += len(pixels)
    return images / passed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a finished run whose data is there")
    options = parser.parse_args()
    run = dlcv.load(options.run)
    pixels, _ = next(iter(run.loader(run.held_out()).epoch()))
    sides: dict[str, Callable[[np.ndarray], object]] = {"keras": run.model.predict_on_batch}
    facts = {"keras": (os.path.getsize(run.path / "model.keras"), 0.0)}
    with tempfile.TemporaryDirectory() as folder:
        for name in registry.names("exporter"):
            try:
                made = dlcv.export_run(run.path, name, Path(folder) / name)
            except DlcvError as error:
                print(f"{name} is left out: {error}")
                continue
            sides[name] = made.session.predict_on_batch
            told = made.description
            size = sum(recorded["bytes"] for recorded in told["files"].values())
            facts[name] = (size, told["parity"]["largest_difference"])
        rates: dict[tuple[str, int], list[float]] = {}
        for _ in range(ROUNDS + 1):
            for batch in BATCHES:
                for name, predict in sides.items():
                    rates.setdefault((name, batch), []).append(rate(predict, pixels[:batch]))
    print(f"load {os.getloadavg()[0]:.1f}, {run.threads} threads, {run.config.architecture}")
    for name in sides:
        size, difference = facts[name]
        # The first round compiles and allocates.
        shown = (f"batch {batch}: {spread(rates[name, batch][1:])}/s" for batch in BATCHES)
        print(f"{name:12} {size / 1e6:6.2f} MB  {difference:.1e}  {'  '.join(shown)}")


if __name__ == "__main__":
    main()
