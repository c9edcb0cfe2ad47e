"""What checkpoints cost: the share of a training's time that goes into taking and writing them.

    python tests/campaigns/checkpoint_cost.py                          two networks, a few minutes
    python tests/campaigns/checkpoint_cost.py --epochs 10 minivggnet   one of them

Trains on the 1,257 training images of `digits` as 32 x 32 pixels, at the default interval, which
is every five epochs and whenever the validation loss is the lowest. With more images a checkpoint
takes as long, and an epoch longer.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

NETWORKS = ("minivggnet", "resnet56")


def timed(call: Callable[..., Any], taken: list[float]) -> Callable[..., Any]:
    """Returns a function that notes how many seconds each call takes."""

    def timing(*arguments: Any, **options: Any) -> Any:
        start = time.perf_counter()
        try:
            return call(*arguments, **options)
        finally:
            taken.append(time.perf_counter() - start)

    return timing


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--epochs", type=int, default=20)
    given = parser.parse_args()
    import dlcv
    from dlcv_plugins.training.callbacks import CheckpointWriter

    print("| network | checkpoints | MB each | ms each | s an epoch | share of the training |")
    print("|---|---|---|---|---|---|")
    for name in given.networks:
        taken: list[float] = []
        with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
            patch.setattr(CheckpointWriter, "_save", timed(CheckpointWriter._save, taken))
            run = dlcv.run(
                data="digits(size=32)", architecture=name, epochs=given.epochs, name="r",
                runs=place, evaluators="rank", sections="",
            )  # fmt: skip
            seconds = [row["seconds"] for row in run.history]
            sizes = [path.stat().st_size for path in Path(place).rglob("*.checkpoint")]
        row = (
            f"{len(taken)} in {len(seconds)} epochs", f"{max(sizes) / 1e6:.1f}",
            f"{1000 * sum(taken) / len(taken):.0f}", f"{sum(seconds) / len(seconds):.1f}",
            f"{100 * sum(taken) / (sum(taken) + sum(seconds)):.1f} %",
        )  # fmt: skip
        print("| " + " | ".join((name, *row)) + " |", flush=True)


if __name__ == "__main__":
    main()
