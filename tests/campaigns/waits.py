"""How long commands show nothing on a terminal: each wait of over two seconds, and what was last.

    python tests/campaigns/waits.py -- run --data photos --arch lenet --epochs 1
    python tests/campaigns/waits.py --longest 5 -- data check photos

A wait counts where nothing at all is printed, not even a step of a bar. Exits with 1 if one was
longer than `--longest` seconds.
"""

import argparse
import os
import pty
import re
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")


def waits(arguments: list[str]) -> Iterator[tuple[float, str, str]]:
    """Runs a command; yields seconds without output, what was printed before, and after."""
    ours, theirs = pty.openpty()
    script = Path(sysconfig.get_path("scripts"), "dlcv")
    process = subprocess.Popen(
        [sys.executable, script, *arguments], stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    before, last = "the start", time.monotonic()
    while True:
        try:
            part = os.read(ours, 65_536)
        except OSError:  # The other end was closed.
            break
        now = time.monotonic()
        shown = [x.strip() for x in ESCAPES.sub("", part.decode(errors="replace")).splitlines()]
        after = next((x for x in reversed(shown) if x), "")
        yield now - last, before, after
        before, last = after or before, now
    process.wait()
    yield time.monotonic() - last, before, f"the end, exit code {process.returncode}"


def main() -> None:
    """Prints the waits of a command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("arguments", nargs="+", help="what follows dlcv")
    parser.add_argument("--longest", type=float, default=2.0, help="seconds")
    given = parser.parse_args()
    start, bad = time.monotonic(), False
    for seconds, before, after in waits(given.arguments):
        if seconds > given.longest:
            bad = True
            print(f"{seconds:5.1f} s after: {before[:70]}\n        until: {after[:70]}", flush=True)
    print(f"{time.monotonic() - start:.0f} s in all")
    sys.exit(bad)


if __name__ == "__main__":
    main()
