"""A file layer that fails at each call in turn, for every library alike, and what comes after.

    python tests/campaigns/faults.py                              all commands and faults
    python tests/campaigns/faults.py --minutes 10 --seed 1 run    one command, points by chance
    python tests/campaigns/faults.py --only "full 17" run         one fault again, with its message

A small library before libc's (`faulty.c`, compiled by `cc`) makes the n-th call below the working
folder fail. The command must end well or in one line that names a file, and no temporary one;
then the command that a person would use goes on, and what comes of it must be equal, bit for bit,
to what comes of a command that nothing failed. What is printed is listed once for each wording.
"""

import argparse
import ctypes
import errno
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from kill_points import COMMANDS, Command, Table, last_line, leftovers, make_template
from lives import live

LIBRARY = "DLCV_FAULTY_LIBRARY"
MAKE, WRITE, FLUSH, RENAME, REMOVE, READ = (1 << bit for bit in range(6))
NEW = MAKE | WRITE | FLUSH | RENAME
SHORT, VANISHED = -1, -2


@attrs.frozen
class Fault:
    """A way to fail.

    Attributes:
        error: The error's number.
        calls: Which calls fail so.
        stays: Whether all calls fail from the n-th on.
    """

    error: int
    calls: int
    stays: bool = False


FAULTS = {
    "full": Fault(errno.ENOSPC, MAKE | WRITE | FLUSH, stays=True),
    "denied": Fault(errno.EACCES, MAKE | RENAME | REMOVE, stays=True),
    "broken": Fault(errno.EIO, NEW | REMOVE),
    "read-only": Fault(errno.EROFS, NEW | REMOVE, stays=True),
    "short": Fault(SHORT, WRITE, stays=True),
    "unreadable": Fault(errno.EIO, READ),
    "vanished": Fault(VANISHED, NEW | REMOVE),
}
NAMES_OF_ITS_OWN = re.compile(r"\.tmp|\.part\b|\.new\b|\.removed|\[Errno")
"""What no message may hold: temporary names, and Python's bare wording."""
GOES_ON = ("run", "data build", "extract", "transfer", "export", "fit", "run --force")


def arm(folder: str, fault: Fault, at: int, vanishing: str, calls: Any) -> Callable[[], None]:
    """Lets the n-th call fail in this process; returns what hands on how many there were."""
    library = ctypes.CDLL(os.environ[LIBRARY])
    library.faults_arm(
        os.path.realpath(folder).encode(), at, fault.error, int(fault.stays), fault.calls,
        os.path.realpath(os.path.join(folder, vanishing)).encode(),
    )  # fmt: skip

    def count() -> None:
        calls.value = library.faults_calls()

    return count


def verdict(
    command: Command, before: Path, expected: Any, fault: Fault, at: int, words: Counter[str]
) -> str:
    """Lets a call of a command fail, and goes on; returns what is wrong, empty if nothing is."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(shutil.copytree(before, Path(place, "w"), symlinks=True))
        vanishing = command.made.split("/")[0]
        armed = (arm, (str(folder), fault, at, vanishing))
        code, _, told = live(folder, command.line, armed=armed)
        # The folder that vanished is there again, unless the command made one of its own.
        if (gone := folder / f"{vanishing}.gone").exists():
            shutil.rmtree(folder / vanishing, ignore_errors=True)
            gone.rename(folder / vanishing)
        if problem := _wrong_message(code, told):
            return problem
        if code:
            words[_wording(last_line(told))] += 1
            if words[_wording(last_line(told))] == 1:
                print(f"  {command.made}, {fault} {at}: {last_line(told)}", file=sys.stderr)
        for line in (command.next(folder) or command.line, command.line):
            code, _, told = live(folder, line)
            if code:
                return f"`dlcv {line}` then ended with {code}: {last_line(told)}"
            try:
                found = command.result(folder / command.made)
            except Exception as error:
                return f"after `dlcv {line}`: {type(error).__name__}: {error}"
            if found == expected:
                return leftovers(folder)
        return "what came of it differs from what comes of it without a fault"


def _wrong_message(code: int, told: str) -> str:
    last = last_line(told)
    if "Traceback" in told or code not in (0, 2):
        return f"it ended with {code}: {last}"
    if code and not last.startswith("dlcv: "):
        return f"its last line is no message: {last}"
    if code and not re.search(r"can't \w+ \S+|\w\.\w|\w/\w", last.replace("put/out", "")):
        return f"no file is named: {last}"
    found = NAMES_OF_ITS_OWN.search(told)
    return f"it shows {found[0]}: {told.strip()[-300:]}" if found else ""


def _wording(line: str) -> str:
    """Returns a message without what differs from one to the next."""
    return re.sub(r"[\w./-]*/[\w./-]+|\d[\d,.]*", "_", line)


def prepared(name: str, template: Path, folder: Path) -> tuple[Path, dict[str, int], Any]:
    """Returns what is there before, the number of calls for each fault, and what is expected."""
    command = COMMANDS[name]
    before = Path(shutil.copytree(template, folder / "before", symlinks=True))
    for line in command.before:
        live(before, line, must_end=True)
    points = {}
    for kind, fault in FAULTS.items():
        whole = Path(shutil.copytree(before, folder / kind, symlinks=True))
        armed = (arm, (str(whole), fault, 0, "nothing"))
        _, points[kind], _ = live(whole, command.line, armed=armed, must_end=True)
        expected = command.result(whole / command.made)
    return before, points, expected


def main() -> None:
    """Runs the campaign and prints a table; exits with 1 if a fault had a bad end."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("commands", nargs="*", help=f"of {', '.join(COMMANDS)}")
    parser.add_argument("--seed", type=int, default=0, help="of the order of the points")
    parser.add_argument("--minutes", type=float, default=600.0, help="for all of it")
    parser.add_argument("--only", help="a fault and its point, such as `full 17`")
    given = parser.parse_args()
    names = given.commands or [*GOES_ON]
    with tempfile.TemporaryDirectory() as place:
        _preloaded(Path(place))
        template = make_template(Path(place, "template"))
        if given.only:
            kind, at = given.only.rsplit(" ", 1)
            _again(names[0], template, Path(place), FAULTS[kind], int(at))
        print(f"seed {given.seed}\n\n| command | fault | points | tried | good |")
        print("|---|---|---|---|---|")
        bad, words = _campaign(names, template, Path(place), given.seed, given.minutes)
    for line, times in words.most_common():
        print(f"{times:5} x {line}")
    sys.exit(bool(bad))


def _campaign(
    names: list[str], template: Path, place: Path, seed: int, minutes: float
) -> tuple[int, Counter[str]]:
    words, bad, end = Counter[str](), 0, time.monotonic() + 60 * minutes
    for position, name in enumerate(names):
        before, points, expected = prepared(name, template, place / str(position))
        for turn, (kind, fault) in enumerate(FAULTS.items()):
            left = (len(names) - position) * len(FAULTS) - turn
            until = time.monotonic() + (end - time.monotonic()) / left
            table = Table(points[kind])
            for at in random.Random(seed).sample(range(1, points[kind] + 1), points[kind]):
                if time.monotonic() > until:
                    break
                wrong = verdict(COMMANDS[name], before, expected, fault, at, words)
                table.good += not wrong
                if wrong:
                    table.bad.append(f"{name}, {kind} {at}: {wrong}")
                    print(f"  {table.bad[-1]}", file=sys.stderr, flush=True)
            tried = table.good + len(table.bad)
            print(f"| {name} | {kind} | {table.points} | {tried} | {table.good} |", flush=True)
            bad += len(table.bad)
    return bad, words


def _again(name: str, template: Path, place: Path, fault: Fault, at: int) -> None:
    before, _, expected = prepared(name, template, place / "again")
    words = Counter[str]()
    wrong = verdict(COMMANDS[name], before, expected, fault, at, words)
    print(wrong or "good", *words, sep="\n")
    sys.exit(bool(wrong))


def _preloaded(place: Path) -> None:
    """Begins this process again with the library before libc's, unless it is there."""
    if LIBRARY in os.environ:
        return
    library = compiled(place)
    environment = {**os.environ, LIBRARY: str(library), "LD_PRELOAD": str(library)}
    process = subprocess.Popen([sys.executable, *sys.argv], env=environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    code = process.wait()
    shutil.rmtree(place, ignore_errors=True)
    sys.exit(code)


def compiled(folder: Path) -> Path:
    """Compiles the library into a folder."""
    library = folder / "faulty.so"
    source = Path(__file__).with_name("faulty.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library


if __name__ == "__main__":
    main()
