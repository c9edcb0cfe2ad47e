"""The same commands in other surroundings: the same files, bit for bit, and no traceback.

    python tests/campaigns/environment.py             all surroundings
    python tests/campaigns/environment.py umask tr    those whose names hold one of these words

A run is trained in a fork, and the other commands are real processes. Surroundings are locales,
time zones, a umask, a HOME that is missing or can't be written, outputs that are closed or end
early, terminals of several kinds and widths, and a clock that goes back.
"""

import argparse
import fcntl
import os
import pty
import shutil
import struct
import subprocess
import sys
import sysconfig
import tempfile
import termios
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from kill_points import SETTINGS, make_template, run_result
from lives import live

DLCV = Path(sysconfig.get_path("scripts"), "dlcv")
RUN = f"run --data photos --name r {SETTINGS}"
"""Its files are compared with those that it makes in usual surroundings."""
LINES = ("data check photos --report check.html", "compare runs/r runs/base", "plugins list")
CLOCK_BACK = """
import sys, time
real, calls = time.time, [0]
def back():
    calls[0] += 1
    return real() - 86_400 * (calls[0] > 3)
time.time, time.time_ns = back, lambda: int(back() * 1e9)
"""
"""What lets a process's clock go back by a day after it was asked three times."""


@attrs.frozen
class Place:
    """Surroundings.

    Attributes:
        variables: Changes of the environment; None takes one away.
        shell: What is put around the command, which is `{}`.
        umask: Which permissions new files don't get.
        columns: The width of a terminal; 0 for none.
        codes: Exit codes that are right.
        begins: Python code that runs before the command.
    """

    variables: dict[str, str | None] = attrs.field(factory=dict)
    shell: str = "{}"
    umask: int = 0o022
    columns: int = 0
    codes: tuple[int, ...] = (0,)
    begins: str = ""


PLACES = {
    "nothing special": Place(),
    "locale C": Place({"LC_ALL": "C", "LANG": "C"}),
    "locale C without UTF-8": Place({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    "locale POSIX, ASCII": Place({"LC_ALL": "POSIX", "PYTHONIOENCODING": "ascii"}),
    "locale tr_TR": Place({"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"}),
    "time zone +14": Place({"TZ": "Pacific/Kiritimati"}),
    "time zone of nowhere": Place({"TZ": "No/Where"}),
    "umask 077": Place(umask=0o077),
    "no HOME": Place({"HOME": None}),
    "HOME is missing": Place({"HOME": "/nowhere/at/all"}),
    "HOME is a file": Place({"HOME": "/dev/null"}),
    "no PATH": Place({"PATH": ""}),
    "output closed": Place(shell="{} >&-", codes=(0, 1, 2, 120)),
    "output ends early": Place(shell="{} | head -c 1 >/dev/null", codes=(0, 1, 2, 141)),
    "errors closed": Place(shell="{} 2>&-"),
    "no input": Place(shell="{} <&-"),
    "TERM=dumb": Place({"TERM": "dumb"}, columns=80),
    "80 columns": Place({"TERM": "xterm-256color"}, columns=80),
    "200 columns": Place({"TERM": "xterm-256color"}, columns=200),
    "20 columns": Place({"TERM": "xterm"}, columns=20),
    "clock goes back": Place(begins=CLOCK_BACK),
    "optimized Python": Place({"PYTHONOPTIMIZE": "2"}),
    "warnings are shown": Place({"PYTHONWARNINGS": "default"}),
}


def ended(place: Place, line: str, folder: Path) -> tuple[int, str]:
    """Runs a command in surroundings; returns its exit code and all that it printed."""
    environment = {**os.environ, **place.variables}
    command = f"{sys.executable} {DLCV} {line}"
    if place.begins:
        script = folder / "begin.py"
        script.write_text(
            f"{place.begins}\nsys.argv[0] = 'dlcv'\nfrom dlcv.__main__ import main\nmain()\n"
        )
        command = f"{sys.executable} {script} {line}"
    given: dict[str, Any] = {
        "env": {name: value for name, value in environment.items() if value is not None},
        "cwd": folder,
        "umask": place.umask,
        "executable": "/bin/bash",
        "shell": True,
    }
    command = "set -o pipefail; " + place.shell.format(command)
    if place.columns:
        return _on_terminal(command, place.columns, given)
    found = subprocess.run(command, capture_output=True, timeout=600, check=False, **given)
    return found.returncode, (found.stdout + found.stderr).decode(errors="replace")


def trained(place: Place, folder: Path) -> tuple[int, str]:
    """Trains a run in a fork; returns its exit code and what it printed."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in place.variables.items():
            patch.setenv(name, value) if value is not None else patch.delenv(name, raising=False)
        code, _, told = live(folder, RUN, armed=(_enter, (place.umask, place.begins)))
    return code, told


def _enter(umask: int, begins: str, changes: Any) -> Callable[[], None]:
    os.umask(umask)
    time.tzset()
    exec(begins, {})
    return lambda: None


def _on_terminal(command: str, columns: int, given: dict[str, Any]) -> tuple[int, str]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, **given)
    os.close(theirs)
    told = b""
    while True:
        try:
            part = os.read(ours, 65_536)
        except OSError:  # The other end was closed.
            break
        if not part:
            break
        told += part
    os.close(ours)
    return process.wait(), told.decode(errors="replace")


def problems(place: Place, template: Path, expected: Any, lines: tuple[str, ...]) -> list[str]:
    """Returns what is wrong in surroundings."""
    found = []
    with tempfile.TemporaryDirectory() as kept:
        folder = Path(shutil.copytree(template, Path(kept, "w"), symlinks=True))
        code, told = trained(place, folder)
        if code:
            found.append(f"`dlcv {RUN}` ended with {code}: {told[-1500:]}")
        for line in lines:
            code, told = ended(place, line, folder)
            if code not in place.codes or "Traceback" in told or "Exception ignored" in told:
                found.append(f"`dlcv {line}` ended with {code}: {told.strip()[-1500:]}")
        if not found:
            wrong = _differs(lambda: run_result(folder / "runs" / "r"), expected)
            found += [wrong] if wrong else []
        if place.umask == 0o077:
            open_files = [p for p in (folder / "runs" / "r").rglob("*") if p.stat().st_mode & 0o077]
            found += [f"others may read {path.name}" for path in open_files[:3]]
    return found


def _differs(read: Callable[[], Any], expected: Any) -> str:
    try:
        return "" if read() == expected else "the run differs"
    except Exception as error:
        return f"the run can't be read: {type(error).__name__}: {error}"


def main() -> None:
    """Tries surroundings and prints a table; exits with 1 if a command failed in one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("words", nargs="*", help="parts of the names of surroundings")
    given = parser.parse_args()
    chosen = {
        n: p for n, p in PLACES.items() if not given.words or any(w in n for w in given.words)
    }
    bad = 0
    with tempfile.TemporaryDirectory() as place:
        template = make_template(Path(place, "template"))
        # Where the letter i has other capitals; a locale that is not installed is none.
        turkish = ["localedef", "-i", "tr_TR", "-f", "UTF-8", f"{place}/tr_TR.UTF-8"]
        subprocess.run(turkish, check=False, capture_output=True)
        os.environ["LOCPATH"] = place
        whole = Path(shutil.copytree(template, Path(place, "whole"), symlinks=True))
        code, told = trained(Place(), whole)
        assert code == 0, told
        expected = run_result(whole / "runs" / "r")
        print("| surroundings | commands | good |\n|---|---|---|")
        for name, each in chosen.items():
            wrong = problems(each, template, expected, LINES)
            count = len(LINES) + 1
            print(f"| {name} | {count} | {count - len(wrong)} |", flush=True)
            for text in wrong:
                print(textwrap.indent(text, "  "), file=sys.stderr, flush=True)
            bad += len(wrong)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
