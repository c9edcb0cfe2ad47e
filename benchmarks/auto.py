"""`dlcv auto` beside `dlcv transfer` on one data set: the ladder, the test, and the time."""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from processes import run

from dlcv_plugins.evaluators.intervals import wilson

MARGIN = 0.1
"""The share of its time that `auto` may take longer."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="a data set that dlcv recognises")
    parser.add_argument("--minutes", type=float, default=5.0)
    options = parser.parse_args()
    data, command = str(options.data.absolute()), [sys.executable, "-m", "dlcv"]
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        alone, _, _ = run([*command, "transfer", "--data", data, "--name", "transfer"], work)
        minutes = ["--minutes", str(options.minutes), "--name", "auto"]
        seconds, _, _ = run([*command, "auto", data, *minutes], work)
        found = json.loads((work / "runs" / "auto" / "auto.json").read_text())
        figures = {name: tested(work / "runs" / name) for name in ("transfer", "auto")}
    print(f"{'tried by auto':60}{'seconds':>8}  validation")
    for rung in found["tried"]:
        shown = rung["remark"]
        if "accuracy" in rung:
            shown = f"{100 * rung['accuracy']:.2f} % of {rung['images']}, loss {rung['loss']:.4f}"
        print(f"{rung['what'][:58]:60}{rung['seconds']:8.1f}  {shown}")
    print(f"\nchosen    {found['chosen']}\n")
    print(f"dlcv transfer   {figures['transfer']}  {alone:6.1f} s")
    print(f"dlcv auto       {figures['auto']}  {seconds:6.1f} s of {60 * options.minutes:.0f} s")
    is_in_time = seconds <= (1 + MARGIN) * 60 * options.minutes
    print(f"in time         {'yes' if is_in_time else 'no'}")
    print("load of the machine:", *(f"{load:.1f}" for load in os.getloadavg()))


def tested(path: Path) -> str:
    """Returns a run's accuracy on its test images, with the interval."""
    metrics: dict[str, Any] = json.loads((path / "metrics.json").read_text())
    accuracy, images = metrics["metrics"]["rank1"], metrics["images"]
    low, high = wilson(round(accuracy * images), images)
    return (
        f"{100 * accuracy:6.2f} % of {images:,} images, 95 % interval "
        f"{100 * low:.1f} to {100 * high:.1f} %"
    )


if __name__ == "__main__":
    main()
