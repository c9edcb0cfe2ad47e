"""The README's first command: time, memory, and accuracy with several seeds."""

import json
import sys
import tempfile
from pathlib import Path

from processes import run, spread

SEEDS = (42, 0, 1, 2, 3, 4, 5, 6, 7, 8)
COMMAND = [sys.executable, "-m", "dlcv", "run", "--arch", "resnet", "--preproc", "mean,patch"]


def main() -> None:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in SEEDS:
            command = [*COMMAND, "--seed", str(seed), "--name", f"seed-{seed}"]
            seconds, megabytes, _ = run(command, Path(folder))
            metrics = Path(folder, "runs", f"seed-{seed}", "metrics.json")
            accuracy = 100 * json.loads(metrics.read_text())["metrics"]["rank1"]
            rows.append((seconds, megabytes, accuracy))
            print(
                f"seed {seed:2}  {seconds:5.1f} s  {megabytes:5.0f} MB  {accuracy:.2f} %",
                flush=True,
            )
    for name, values in zip(
        ("seconds", "megabytes", "accuracy"), zip(*rows, strict=True), strict=True
    ):
        print(f"{name:10} {spread(values)}")


if __name__ == "__main__":
    main()
