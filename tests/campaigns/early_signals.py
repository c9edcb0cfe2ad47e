"""Ctrl+c, SIGTERM or SIGHUP at random moments of a command's first seconds, in real processes.

    python tests/campaigns/early_signals.py --count 200 --within 0.4 -- --version
    python tests/campaigns/early_signals.py --count 50 --within 10 -- run --arch lenet --runs runs

Each must end with the signal's exit code, or have finished before, and print no traceback. Before
`dlcv` handles signals, Python's start ends with its own traceback; such moments are counted apart.
"""

import argparse
import random
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import Counter
from pathlib import Path

PYTHON_ITSELF = "before dlcv began"
NUMBERS = {"INT": signal.SIGINT, "TERM": signal.SIGTERM, "HUP": signal.SIGHUP}


def ended(arguments: list[str], number: int, after: float) -> str:
    """Runs a command, sends it a signal after some seconds, and returns how it ended, in words."""
    script = Path(sysconfig.get_path("scripts"), "dlcv")
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [script, *arguments], cwd=folder, text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        time.sleep(after)
        process.send_signal(number)
        _, told = process.communicate(timeout=300)
    code = process.returncode
    if "Traceback" in told and "/dlcv/" not in told:
        return PYTHON_ITSELF
    if "Traceback" in told or "Error" in told or "Fatal" in told:
        return f"a traceback: {told.strip().splitlines()[-1]}"
    known = {0: "finished", 128 + number: "stopped", -number: PYTHON_ITSELF}
    return known.get(code, f"exit code {code}: {told.strip()[-200:]}")


def main() -> None:
    """Prints how often commands ended how; exits with 1 if one ended badly."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("arguments", nargs="+", help="what follows dlcv")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--within", type=float, default=0.4, help="seconds")
    parser.add_argument("--signal", default="INT", choices=[*NUMBERS])
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    chance = random.Random(given.seed)
    moments = [chance.uniform(0, given.within) for _ in range(given.count)]
    found = Counter(ended(given.arguments, NUMBERS[given.signal], after) for after in moments)
    for words, count in found.most_common():
        print(f"{count:5}  {words}")
    sys.exit(bool(found.keys() - {PYTHON_ITSELF, "finished", "stopped"}))


if __name__ == "__main__":
    main()
