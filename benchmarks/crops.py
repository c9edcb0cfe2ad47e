"""Ten crops an image: a run's averaged predictions against a bare `model.predict` on the crops.

The bare one gets all crops as one array in memory; ours reads the images, cuts the crops, and
averages. Beside them, one `predict` call an image, as it is often written. All three in one
process, in turns, on the same network. Where other work shares the cores, the ratio of CPU seconds
tells more than that of images/s.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from processes import spread

import dlcv
from dlcv.data.fitting import chosen_pixel_steps, with_pixel_steps
from dlcv.data.pipeline import process_batch
from dlcv.data.sources import find_store

ROUNDS = 7
ALONE = 30
"""Images that are predicted in a call each: more take long and tell no more."""


def rates_of(images: int, work: Callable[[], object]) -> tuple[float, float]:
    """Returns images a second, and images a CPU second of this process."""
    start, start_cpu = time.perf_counter(), time.process_time()
    work()
    return images / (time.perf_counter() - start), images / (time.process_time() - start_cpu)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a finished run")
    parser.add_argument("data", help="a packed data set with images larger than the run's input")
    parser.add_argument("--split", default="test")
    options = parser.parse_args()
    run = dlcv.load(options.run)
    opened = find_store(options.data).open(options.split)
    steps = chosen_pixel_steps(run.pipeline, "crop")
    pipeline = with_pixel_steps(run.pipeline, steps, opened.image_shape, run.input_shape[:2])
    crops = process_batch(opened, np.arange(len(opened)), pipeline, None)
    views = pipeline.views
    answers = {}

    def ours() -> None:
        found = run.predictions(options.data, options.split, preprocessors="crop")
        answers["ours"] = found.mean

    def bare() -> None:
        found = run.model.predict(crops, batch_size=64, verbose=0)
        answers["bare"] = found.reshape(len(opened), views, -1).mean(axis=1)

    def alone() -> None:
        for i in range(ALONE):
            run.model.predict(crops[i * views : (i + 1) * views], verbose=0).mean(axis=0)

    ways = {"ours": (len(opened), ours), "bare": (len(opened), bare), "alone": (ALONE, alone)}
    for images, work in ways.values():
        rates_of(images, work)
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, (images, work) in ways.items():
            rates[name].append(rates_of(images, work))
    worst = float(np.abs(answers["ours"] - answers["bare"]).max())
    height, width, channels = run.input_shape
    print(f"{run.config.architecture.name}, {height} x {width} x {channels}, {views} crops each of")
    print(f"{len(opened)} images; images/s, median (range); largest difference {worst:.2e}")
    titles = ("dlcv, --preproc crop", "model.predict on an array", "model.predict an image")
    for title, measured in zip(titles, rates.values(), strict=True):
        print(f"{title:26} {spread([by_clock for by_clock, _ in measured])}")
    for name in ("bare", "alone"):
        for unit, kind in enumerate(("by the clock", "by CPU seconds")):
            pairs = zip(rates["ours"], rates[name], strict=True)
            print(f"ours / {name}, {kind:14}  {spread([a[unit] / b[unit] for a, b in pairs])}")


if __name__ == "__main__":
    main()
