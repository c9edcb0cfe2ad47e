"""Every moment at which a killed command could leave something half-made, and what comes after.

A command changes files in some order: it makes folders, opens files for writing, renames and
removes. For each such change, a process runs the command and is killed just before it. Then the
command that a person would use goes on, and what comes of it is compared with what comes of a
command that was not killed: weights and figures, bit for bit, and no leftovers.

    python tests/campaigns/kill_points.py                          all points of all commands
    python tests/campaigns/kill_points.py --budget 600 --seed 1    ten minutes, points by chance
    python tests/campaigns/kill_points.py --signal INT extract     ctrl+c, and one command

There are some 400 points, which take about an hour on two cores that do nothing else. With INT,
TERM or HUP, the command must end with the signal's exit code, or finish, without a traceback.
`test_kill_points.py` tries a few of these points.
"""

import argparse
import csv
import hashlib
import json
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
from lives import live

LEFT_ON_PURPOSE = re.compile(r"^\.features-|\.lock$")
"""Features for the next transfer; and locks, empty files that lock nothing without a process."""
SETTINGS = "--arch lenet(width=0.1) --epochs 2 --batch-size 16 --checkpoint-every 1 --threads 1"


@attrs.frozen
class Command:
    """A command to kill.

    Attributes:
        line: What follows `dlcv`.
        made: The folder that it makes.
        result: Returns what came of it, to be compared; the folder is given.
        next: Returns the command that goes on, given the folder of all; None for the same.
        before: Commands that make what is there before.
    """

    line: str
    made: str
    result: Callable[[Path], Any]
    next: Callable[[Path], str | None] = lambda _: None
    before: tuple[str, ...] = ()


def run_result(run: Path, *, has_report: bool = True) -> Any:
    """Returns a run's epochs, the weights in its checkpoints, and its predictions."""
    import numpy as np

    from dlcv import files
    from dlcv.training import checkpoints

    parts = []
    for part in [run, *sorted(run.glob("members/*"))]:
        assert (part / "metrics.json").exists(), f"{part.name} has no figures"
        assert (part / "report.html").exists() or not has_report, f"{part.name} has no report"
        rows = []
        if (part / "history.csv").exists():
            rows = list(csv.DictReader((part / "history.csv").open()))
        found = checkpoints.load_newest(part / "checkpoints") if rows else None
        arrays = found[0].arrays if found else []
        predicted = files.load_arrays(part / "predictions.npz")["probabilities"]
        digest = hashlib.sha256(b"".join(np.asarray(a).tobytes() for a in [*arrays, predicted]))
        parts.append(([{**row, "seconds": ""} for row in rows], digest.hexdigest()))
    return parts


def packed_result(folder: Path) -> Any:
    """Returns the checksums of a packed data set's files."""
    names = ("train.hdf5", "val.hdf5", "test.hdf5")
    assert (folder / "dataset.toml").exists(), "no description"
    return [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names]


def features_result(folder: Path) -> Any:
    """Returns the features of all splits."""
    from dlcv_plugins.trainers.features.features import Features

    found = Features.open(folder)
    return {name: split.values.tobytes() for name, split in sorted(found.splits.items())}


def exported_result(folder: Path) -> Any:
    """Returns what an exported model was found to predict, compared with its run."""
    return json.loads((folder / "model.json").read_text())["parity"]["images"]


def resume(folder: Path) -> str | None:
    """Returns what goes on with a run: `dlcv resume`, or the same where nothing came to be."""
    names = ("r", ".r.old")
    return "resume runs/r" if any((folder / "runs" / name).exists() for name in names) else None


def unless(made: str, line: str) -> Callable[[Path], str | None]:
    """Returns a function that gives `line` where a folder is there, else None."""
    return lambda folder: line if (folder / made).exists() else None


RUN = f"run --data photos --name r {SETTINGS}"
EXTRACT = "extract --base runs/base --data photos --out f"
COMMANDS = {
    "run": Command(RUN, "runs/r", run_result, resume),
    "run --force": Command(
        f"{RUN} --force", "runs/r", run_result, resume, (f"{RUN} --seed 1 --epochs 1",)
    ),
    "run --members 2": Command(f"{RUN} --members 2", "runs/r", run_result, resume),
    "data build": Command(
        "data build photos --out p --size 8", "p", packed_result, unless("p", "data verify p")
    ),
    "data build --force": Command(
        "data build photos --out p --size 8 --force",
        "p",
        packed_result,
        before=("data build photos --out p --size 6",),
    ),
    "extract": Command(EXTRACT, "f", features_result, unless("f", "fit f --name fitted --force")),
    "fit": Command(
        "fit f --name r",
        "runs/r",
        run_result,
        unless("runs/r", "fit f --name r --force"),
        (EXTRACT,),
    ),
    "transfer": Command(
        "transfer --base runs/base --data photos --name r",
        "runs/r",
        run_result,
        unless("runs/r", "transfer --base runs/base --data photos --name r --force"),
    ),
    "export": Command(
        "export runs/base --format onnx --out e",
        "e",
        exported_result,
        unless("e", "evaluate e --data photos"),
    ),
}


@attrs.define
class Table:
    """What came of a campaign.

    Attributes:
        points: How many changes of files a command makes.
        good: How many kills had a good end.
        bad: The others, with the reasons.
    """

    points: int
    good: int = 0
    bad: list[str] = attrs.field(factory=list)


def make_template(folder: Path) -> Path:
    """Makes a folder with photos and a trained run, from which every life begins."""
    import cv2
    import numpy as np

    rng = np.random.default_rng(0)
    for label, name in enumerate("ab"):
        (folder / "photos" / name).mkdir(parents=True)
        for number in range(30):
            image = rng.integers(0, 80, (12, 12, 3), np.uint8)
            image[..., label] += 150
            cv2.imwrite(str(folder / "photos" / name / f"{number:02d}.png"), image)
    live(folder, f"run --data photos --name base {SETTINGS}", must_end=True)
    return folder


def verdict(
    command: Command, template: Path, expected: Any, *, at: int, number: int = signal.SIGKILL
) -> str:
    """Kills a command at a point and goes on; returns what is wrong with the end, empty if nothing.

    Args:
        command: The command.
        template: What is there before.
        expected: What comes of it when it is not killed.
        at: The point.
        number: The signal.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(shutil.copytree(template, Path(place, "w"), symlinks=True))
        code, _, told = live(folder, command.line, at=at, number=number)
        if problem := _wrong_end(code, told, number):
            return problem
        for _ in range(2):
            following = command.next(folder) or command.line
            code, _, told = live(folder, following)
            if code:
                return f"`dlcv {following}` then ended with {code}: {last_line(told)}"
            try:
                found = command.result(folder / command.made)
            except Exception as error:
                return f"after `dlcv {following}`: {type(error).__name__}: {error}"
            if found == expected:
                return leftovers(folder)
            # The run that was to be replaced is there, whole; so the command is repeated.
            code, _, told = live(folder, command.line)
            if code:
                return f"repeated, it ended with {code}: {last_line(told)}"
        return "what came of it differs from what comes of it without a kill"


def _wrong_end(code: int, told: str, number: int) -> str:
    expected = {-number} if number == signal.SIGKILL else {128 + number}
    if code not in {*expected, 0}:
        return f"it ended with {code}: {last_line(told)}"
    return f"it printed a traceback: {last_line(told)}" if "Traceback" in told else ""


def leftovers(folder: Path) -> str:
    """Returns which hidden files a command left behind, empty if none."""
    hidden = [path for path in folder.rglob(".*") if not LEFT_ON_PURPOSE.search(path.name)]
    named = ", ".join(str(path.relative_to(folder)) for path in hidden)
    return f"it leaves {named}" if named else ""


def last_line(told: str) -> str:
    """Returns the last line that a command printed."""
    lines = told.strip().splitlines()
    return lines[-1] if lines else "no message"


def prepared(name: str, template: Path, folder: Path) -> tuple[Path, int, Any]:
    """Returns what is there before a command, its number of points, and what comes of it."""
    command = COMMANDS[name]
    before = Path(shutil.copytree(template, folder / "before", symlinks=True))
    for line in command.before:
        live(before, line, must_end=True)
    whole = Path(shutil.copytree(before, folder / "whole", symlinks=True))
    _, points, _ = live(whole, command.line, must_end=True)
    return before, points, command.result(whole / command.made)


def campaign(
    names: list[str], *, number: int, seed: int, budget: float
) -> Iterator[tuple[str, Table]]:
    """Tries the points of commands in an order by chance, and yields each command's table."""
    with tempfile.TemporaryDirectory() as place:
        template = make_template(Path(place, "template"))
        end = time.monotonic() + budget
        for position, name in enumerate(names):
            share = (end - time.monotonic()) / (len(names) - position)
            until = time.monotonic() + share
            before, points, expected = prepared(name, template, Path(place, str(position)))
            table = Table(points)
            # One more than there are changes: the command ends as if nothing had happened.
            for at in random.Random(seed).sample(range(1, points + 1), points):
                if time.monotonic() > until:
                    break
                wrong = verdict(COMMANDS[name], before, expected, at=at, number=number)
                if wrong:
                    table.bad.append(f"point {at}: {wrong}")
                    print(f"{name}: {table.bad[-1]}", file=sys.stderr, flush=True)
                else:
                    table.good += 1
            yield name, table


def main() -> None:
    """Runs the campaign and prints a table; exits with 1 if a kill had a bad end."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("commands", nargs="*", help=f"of {', '.join(COMMANDS)}; all if left out")
    parser.add_argument("--signal", default="KILL", choices=["KILL", "INT", "TERM", "HUP"])
    parser.add_argument("--seed", type=int, default=0, help="of the order of the points")
    parser.add_argument("--budget", type=float, default=86_400.0, help="seconds for all of it")
    given = parser.parse_args()
    number = signal.Signals[f"SIG{given.signal}"]
    print(f"seed {given.seed}, {number.name}\n")
    print("| command | points | tried | good |\n|---|---|---|---|")
    bad = 0
    names = given.commands or [*COMMANDS]
    for name, table in campaign(names, number=number, seed=given.seed, budget=given.budget):
        tried = table.good + len(table.bad)
        print(f"| {name} | {table.points} | {tried} | {table.good} |", flush=True)
        bad += len(table.bad)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
