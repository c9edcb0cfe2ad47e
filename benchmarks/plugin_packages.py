"""How long the way from nothing to a tested package takes, for each kind of plugin.

    python benchmarks/plugin_packages.py ENVIRONMENT [KIND ...]

ENVIRONMENT is a virtual environment with `dlcv` and nothing else. For each kind, the commands that
`dlcv plugins new` tells are run in a new folder, as they are told. What is printed is the seconds
of each, and how many tests there are. A command that fails ends it.
"""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from dlcv.registry import KINDS


def main() -> None:
    """Runs the commands for each kind."""
    environment, *kinds = sys.argv[1:]
    print(f"{'kind':14}{'new':>8}{'install':>9}{'test':>8}{'look':>8}{'all':>8}  tests")
    for kind in kinds or KINDS:
        with tempfile.TemporaryDirectory() as folder:
            row = measure(Path(environment), Path(folder), kind)
        seconds = row[:-1]
        print(f"{kind:14}{seconds[0]:8.1f}{seconds[1]:9.1f}{seconds[2]:8.1f}{seconds[3]:8.1f}"
              f"{sum(seconds):8.1f}  {row[-1]}", flush=True)  # fmt: skip


def measure(environment: Path, folder: Path, kind: str) -> list[float]:
    """Returns the seconds of each command, and the number of tests."""
    begin = time.perf_counter()
    told = run(environment, folder, f"dlcv plugins new {kind} dlcv-my-{kind}")
    row = [time.perf_counter() - begin]
    commands = re.findall(r"^(?:install|test|look) +(.*)$", told, re.MULTILINE)
    tests = 0
    for command in commands:
        begin = time.perf_counter()
        printed = run(environment, folder, command)
        row.append(time.perf_counter() - begin)
        if found := re.search(r"(\d+) passed", printed):
            tests = int(found[1])
    run(environment, folder, f"pip uninstall --yes dlcv-my-{kind}")
    return [*row, tests]


def run(environment: Path, folder: Path, command: str) -> str:
    """Runs a command in the environment, and returns what it printed."""
    path = f'PATH="{environment.absolute() / "bin"}:$PATH" '
    done = subprocess.run(
        ["bash", "-c", path + command], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{command}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
