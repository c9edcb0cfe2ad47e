"""Files that were changed at random: each ends in a right answer or in one line, never worse.

    python tests/campaigns/mutations.py                             all kinds, some 37,000 changes
    python tests/campaigns/mutations.py --minutes 5 --seed 1 spec run   two kinds, five minutes
    python tests/campaigns/mutations.py --only 123 "image png"      one change again, with its error

A change is bad if it ends in another exception than `DlcvError`, or an `OSError` that names a file,
in a crash of the process, in more than 10 seconds or 600 MB, or in other content than the file's
checksum stands for. A change is a function of the kind, the seed and its number alone.
`--keep FOLDER` keeps the changed files of bad ends. `test_mutations.py` tries a few of each kind.
"""

import argparse
import ast
import mmap
import os
import random
import resource
import shutil
import signal
import struct
import sys
import tempfile
import time
import traceback
from collections import Counter
from functools import partial
from pathlib import Path

import attrs
from targets import TARGETS, Target, quiet

SECONDS = 10
LARGEST_GROWTH = 600_000_000
"""Bytes of memory that a change may take, above what the process took before."""
LARGEST_SPACE = 8_000_000_000
"""Bytes of addresses, above those of a process that has loaded all libraries."""
AT_ONCE = 250
"""Changes that a process tries before another one begins."""
MOST_SHOWN = 12


@attrs.define
class Result:
    """What became of the changes of a kind.

    Attributes:
        whole: How many gave an answer.
        refused: How many ended in one line.
        bad: The others by number, with what happened.
        seconds: How long all took.
    """

    whole: int = 0
    refused: int = 0
    bad: dict[int, str] = attrs.field(factory=dict)
    seconds: float = 0.0


def ending(target: Target, path: Path, expected: str | None) -> str:
    """Uses a changed file; returns `whole`, `refused`, or what went wrong."""
    from click import ClickException

    from dlcv.errors import DlcvError

    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # The highest use begins anew.
    try:
        found = target.use(path)
        end = "whole"
        if target.has_checksum and found != expected:
            end = "silent: other content than before"
    except (DlcvError, ClickException):
        end = "refused"
    except Exception as error:
        if isinstance(error, OSError) and isinstance(error.filename, str | bytes):
            return "refused"  # The command line prints it in one line, with the file's name.
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        end = f"{type(error).__name__} at {where}: {str(error)[:160]!r}"
    grown = _memory("VmHWM") - before
    return end if grown < LARGEST_GROWTH else f"memory: {grown / 1e6:.0f} MB, then {end}"


def _memory(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(name)


def changed(target: Target, path: Path, folder: Path, chance: random.Random) -> Path:
    """Copies a whole file or folder into an empty folder, and changes the copy."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    copy = folder / path.name
    shutil.copytree(path, copy) if path.is_dir() else shutil.copy2(path, copy)
    if not path.is_dir() and path.suffix in (".csv", ".tsv"):
        for other in path.parent.glob("*.png"):
            (folder / other.name).touch()
    chance.choice(target.changes)(copy, chance)
    return copy


def try_some(
    name: str,
    seed: int,
    numbers: range,
    made: list[Path],
    scratch: Path,
    ends: "Ends",
    until: float,
) -> None:
    """Tries changes in this process, and notes their ends."""
    target = TARGETS[name]
    quiet()
    os.environ["DLCV_MAX_IMAGE_PIXELS"] = "4000000"
    expected = {path: target.use(_copied(path, scratch)) for path in made}
    space = _memory("VmSize") + LARGEST_SPACE
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Not handled, so that it also ends what hangs in a library.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    for number in numbers:
        if time.monotonic() > until:
            return
        chance = random.Random(f"{name} {seed} {number}")
        path = chance.choice(made)
        ends.begin(number)
        try:
            copy = changed(target, path, scratch / "changed", chance)
        except (MemoryError, Exception) as error:
            ends.note(f"no change: {type(error).__name__}: {error}")
            continue
        signal.alarm(SECONDS)
        end = ending(target, copy, expected[path])
        signal.alarm(0)
        ends.note(end)


def _copied(path: Path, scratch: Path) -> Path:
    copy = Target(lambda _: [], lambda _: "", (lambda *_: None,), 0)
    return changed(copy, path, scratch / "whole", random.Random(0))


class Ends:
    """What a process noted of its changes, for the one that started it: even after a crash."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.write_bytes(b"")
        self._number = mmap.mmap(-1, 8)
        self.begin(-1)

    def begin(self, number: int) -> None:
        self._number[:8] = struct.pack("q", number)

    def note(self, end: str) -> None:
        (number,) = struct.unpack("q", self._number[:8])
        with open(self._path, "a") as file:
            file.write(f"{number}\t{end.encode(errors='replace').decode()!r}\n")
        self.begin(-1)

    def open_number(self) -> int:
        """Returns the change that was begun and has no end; -1 for none."""
        return int(struct.unpack("q", self._number[:8])[0])

    def all(self) -> dict[int, str]:
        lines = (line.partition("\t") for line in self._path.read_text().splitlines())
        return {int(number): ast.literal_eval(end) for number, _, end in lines}


def campaign(
    name: str, *, seed: int, count: int, minutes: float, keep: Path | None = None
) -> Result:
    """Tries changes of one kind of file in processes that are forked from this one."""
    result, start = Result(), time.monotonic()
    until = start + 60 * minutes
    with tempfile.TemporaryDirectory(prefix="mutations-") as place:
        folder = Path(place)
        made = _in_child(lambda: _make(name, folder / "made", folder / "list"), folder / "list")
        number = 0
        while number < count and time.monotonic() < until:
            numbers = range(number, min(number + AT_ONCE, count))
            ends = Ends(folder / "ends")
            child = os.fork()
            if child == 0:
                given = (name, seed, numbers, made, folder / "scratch", ends, until)
                _silenced(partial(try_some, *given))
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            found = ends.all()
            if (at := ends.open_number()) >= 0:
                how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
                found[at] = "hang: more than 10 s" if how == "SIGALRM" else f"crash: {how}"
            elif code:
                raise AssertionError(f"{name}: the process that tries changes ended with {code}")
            if not found:
                break
            for at, end in found.items():
                _count(result, at, end)
                if keep and at in result.bad:
                    _keep(name, seed, at, made, keep)
            number = max(found) + 1
    result.seconds = time.monotonic() - start
    return result


def _count(result: Result, number: int, end: str) -> None:
    if end == "whole":
        result.whole += 1
    elif end == "refused":
        result.refused += 1
    elif not end.startswith("no change"):
        result.bad[number] = end


def _keep(name: str, seed: int, number: int, made: list[Path], keep: Path) -> None:
    chance = random.Random(f"{name} {seed} {number}")
    path = chance.choice(made)
    place = keep / f"{name.replace(' ', '-').replace(',', '')}-{number}"
    place.parent.mkdir(parents=True, exist_ok=True)
    changed(TARGETS[name], path, place, chance)


def _make(name: str, folder: Path, listed: Path) -> None:
    folder.mkdir()
    quiet()
    listed.write_text("\n".join(map(str, TARGETS[name].make(folder))))


def _in_child(make: object, listed: Path) -> list[Path]:
    child = os.fork()
    if child == 0:
        _silenced(make)
    if os.waitpid(child, 0)[1] or not listed.exists():
        raise AssertionError("whole files could not be made")
    return [Path(line) for line in listed.read_text().splitlines()]


def _silenced(do: object) -> None:
    """Does something in a child process without output, and ends the process."""
    code = 1
    try:
        if not os.environ.get("MUTATIONS_SHOWN"):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, 1)
            errors = os.dup(2)
            os.dup2(nothing, 2)
        do()  # type: ignore[operator]
        code = 0
    except BaseException:
        text = traceback.format_exc()
        os.write(errors if not os.environ.get("MUTATIONS_SHOWN") else 2, text.encode())
    finally:
        os._exit(code)


def preload() -> None:
    """Imports what takes long, once for all processes; nothing is computed here."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    import cv2
    import h5py
    import keras
    import sklearn.ensemble
    import sklearn.svm
    import skops.io

    import dlcv.api
    import dlcv.cli.main

    _ = cv2, h5py, keras, sklearn, skops, dlcv


def main() -> None:
    """Prints a table; exits with 1 if a change ended badly."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(TARGETS)}; all if left out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=60.0, help="for all of it")
    parser.add_argument("--factor", type=float, default=1.0, help="of the number of changes")
    parser.add_argument("--only", type=int, help="the number of a change to try again")
    parser.add_argument("--keep", type=Path, help="a folder for files that end badly")
    given = parser.parse_args()
    names = given.names or [*TARGETS]
    preload()
    if given.only is not None:
        _again(names[0], given.seed, given.only)
        return
    print(f"seed {given.seed}\n\n| kind | tried | an answer | one line | bad | minutes |")
    print("|---|---|---|---|---|---|")
    whole = Counter[str]()
    end = time.monotonic() + 60 * given.minutes
    for position, name in enumerate(names):
        share = (end - time.monotonic()) / 60 / (len(names) - position)
        # Quick kinds leave their time to the others.
        count = max(1, round(given.factor * TARGETS[name].count))
        minutes = max(share, 0.2) * 3
        try:
            found = campaign(name, seed=given.seed, count=count, minutes=minutes, keep=given.keep)
        except AssertionError as error:
            print(f"  {error}", file=sys.stderr, flush=True)
            whole.update(bad=1)
            continue
        tried = found.whole + found.refused + len(found.bad)
        row = (name, tried, found.whole, found.refused, len(found.bad), f"{found.seconds / 60:.1f}")
        print("| " + " | ".join(map(str, row)) + " |", flush=True)
        whole.update(tried=tried, bad=len(found.bad))
        kinds = Counter(text.partition("'")[0] for text in found.bad.values())
        for text, times in kinds.most_common(MOST_SHOWN):
            number, example = next((n, t) for n, t in found.bad.items() if t.startswith(text))
            print(f"  {times} x {example} (--only {number})", file=sys.stderr, flush=True)
    print(f"\n{whole['tried']} tried, {whole['bad']} bad")
    sys.exit(bool(whole["bad"]))


def _again(name: str, seed: int, number: int) -> None:
    """Tries one change in this process, and shows the error."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "made")
        made = _in_child(lambda: _make(name, folder, Path(place, "list")), Path(place, "list"))
        chance = random.Random(f"{name} {seed} {number}")
        path = chance.choice(made)
        copy = changed(TARGETS[name], path, Path(place, "changed"), chance)
        os.environ["DLCV_MAX_IMAGE_PIXELS"] = "4000000"
        print(path.name, TARGETS[name].use(copy))


if __name__ == "__main__":
    main()
