"""Every network: images/s of training and seconds to the first step, dlcv against plain Keras.

The other side is the same network written by hand in Keras, with as many parameters. Each side is a
process of its own, and they take turns; batches are small and steps few, so that all networks take
some minutes. The first step is told from the start of the process, and from when everything is
imported. Where other work shares the cores, the ratios by processor time tell more than those by
the clock.
"""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import NamedTuple

from processes import run, spread

NETWORKS = (
    "shallownet", "lenet", "minivggnet", "alexnet", "minigooglenet", "deepergooglenet", "resnet56",
    "resnet_tiny_imagenet", "resnet18", "resnet50", "vgg16", "lecture_cnn", "mlp", "cnn",
)  # fmt: skip
TITLES = {
    "rate": "ratio of images/s",
    "rate_processor": "... by processor time",
    "first": "ratio of seconds from the start to the first step",
    "first_processor": "... by processor time",
    "built": "ratio of seconds from the imports to the first step",
    "built_processor": "... by processor time",
}
SIDES = Path(__file__).parent / "sides"


class Result(NamedTuple):
    """What a side printed; `processor` stands for seconds of processor time."""

    first: float
    first_processor: float
    built: float
    built_processor: float
    rate: float
    rate_processor: float
    parameters: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", help="their names; all if left out")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    if unknown := set(options.networks) - set(NETWORKS):
        parser.error(f"no such network: {', '.join(sorted(unknown))}")
    print(
        "dlcv, plain Keras, ratio, ratio by processor time: "
        "images/s, seconds from the start to the first step, and from the imports"
    )
    ratios: dict[str, list[float]] = {}
    for name in options.networks or NETWORKS:
        pairs = [measure_pair(name, number) for number in range(options.rounds)]
        line = f"{name:21}"
        for figure in ("rate", "first", "built"):
            values = [[getattr(result, figure) for result in pair] for pair in pairs]
            ours, theirs = (statistics.median(side) for side in zip(*values, strict=True))
            line += f"{ours:10,.2f}{theirs:10,.2f}"
            for kind in (figure, f"{figure}_processor"):
                found = [getattr(a, kind) / getattr(b, kind) for a, b in pairs]
                ratios.setdefault(kind, []).append(statistics.median(found))
                line += f"{ratios[kind][-1]:8.3f}"
        print(line, flush=True)
    for kind, title in TITLES.items():
        print(f"{title:40} {spread(ratios[kind])}")
    print("load of the machine:", *(f"{load:.1f}" for load in os.getloadavg()))


def measure_pair(name: str, number: int) -> tuple[Result, Result]:
    """Runs both sides; which one begins alternates."""
    scripts = ["network_ours.py", "network_keras.py"]
    found = {}
    for script in scripts if number % 2 == 0 else reversed(scripts):
        output = run(
            [sys.executable, str(SIDES / script), name],
            TF_CPP_MIN_LOG_LEVEL="3",
            STARTED=str(time.monotonic()),
        )[2]
        found[script] = Result(**json.loads(output.splitlines()[-1]))
    ours, theirs = (found[script] for script in scripts)
    if ours.parameters != theirs.parameters:
        sys.exit(f"{name}: {ours.parameters:,} parameters against {theirs.parameters:,}")
    return ours, theirs


if __name__ == "__main__":
    main()
