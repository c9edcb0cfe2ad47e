"""The best model of a data set that some minutes allow, tested once."""

import functools
import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from dlcv import files
from dlcv.api import RunConfig, RunDirectory, find_store, new_directory
from dlcv.errors import DlcvError
from dlcv.registry import installed_bases
from dlcv_plugins.commands.auto.attempt import Attempt
from dlcv_plugins.commands.auto.candidates import Candidate
from dlcv_plugins.commands.auto.clock import Clock
from dlcv_plugins.commands.auto.ladder import Rung
from dlcv_plugins.ensembles.ensemble import logged_once

if TYPE_CHECKING:
    from dlcv.api import Trained

MOST_MINUTES = 1_000_000
"""About two years."""
TRIED = "-tried"
"""What the folder of the runs that were tried is called, after the run's name."""


@attrs.frozen(eq=False)
class Auto:
    """What came of it.

    Attributes:
        run: The best, tested.
        chosen: The best among what was tried.
        rungs: What was tried, in order.
        reasons: What was decided and why, each with the time of it.
        seconds: How long it took.
        stopped_by: The number of the signal that stopped it, 0 if none did.
    """

    run: "Trained"
    chosen: Candidate
    rungs: tuple[Rung, ...]
    reasons: tuple[tuple[str, str], ...]
    seconds: float
    stopped_by: int = 0

    @property
    def tried(self) -> Path:
        """The folder of all runs that were tried."""
        return self.run.path.with_name(f"{self.run.path.name}{TRIED}")

    @property
    def begins_with_tried(self) -> bool:
        """Whether what was chosen began with a run that was tried: its training needs that one."""
        weights = [RunConfig.load(path / "run.toml").initial_weights for path in self.chosen.paths]
        return any(w is not None and w.parent.name == self.tried.name for w in weights)


def auto(
    data: str | os.PathLike[str],
    *,
    minutes: float = 10.0,
    bases: "list[str] | tuple[str, ...]" = (),
    name: str | None = None,
    runs: str | os.PathLike[str] = "runs",
    force: bool = False,
    **options: object,
) -> Auto:
    """Finds the best model of a data set that the time allows, and tests it once.

    Classifiers on the features of each pretrained network come first, as `dlcv transfer` fits them;
    then the best network is fine-tuned, with several augmentations and after it the others, and
    what helps is combined. What has the lowest validation loss wins, if it is at least as accurate
    there as transfer alone.

    Args:
        data: A store, or the path of a data set.
        minutes: The time for all of it.
        bases: The networks or runs to begin with; those whose weights are installed if left out.
        name: The run's name; by default one is made up.
        runs: The folder of all runs.
        force: Whether a run of that name, and what was tried for it, may be replaced.
        options: Options of `RunConfig` and of its split, such as `groups`, `test`, `seed`.

    Returns:
        The run and how it came to be. After ctrl+c it is the best so far.

    Raises:
        DlcvError: something in the options or the data is wrong, no pretrained network is
            installed, or the time is too short.
        KeyboardInterrupt: ctrl+c came before anything was trained.
        SystemExit: another signal did.
    """
    if not 0 < minutes < MOST_MINUTES:
        raise DlcvError(
            f"minutes: expected a number above 0 and below {MOST_MINUTES:,}, received {minutes:g}"
        )
    if options.get("validation") == "test":
        raise DlcvError(
            "validation: the test images would choose the model and then report its accuracy; "
            "validate on training images with --validation 0.1"
        )
    chosen_bases = list(dict.fromkeys(bases)) or installed_bases()
    if not chosen_bases:
        raise DlcvError(
            "no pretrained network is installed: pip install 'dlcv[pretrained]', or name a base: "
            "--base runs/NAME for a run of yours, --base vgg16 for a network to download"
        )
    clock = Clock(60 * minutes)
    with logged_once(), _tried(Path(runs), name, os.fspath(data), force=force) as tried:
        attempt = Attempt(os.fspath(data), options, chosen_bases, tried, clock=clock)
        with clock.noting_signals():
            try:
                attempt.run()
            finally:
                if not attempt.candidates:
                    files.remove(tried)
            if not attempt.candidates:
                raise clock.ending
            with clock.deferring_signals():
                chosen = _chosen(attempt)
                attempt.say("chosen: %s; it is tested now, once", chosen.what)
                run = _tested(chosen, Path(runs), tried.name.removesuffix(TRIED), force=force)
    found = Auto(
        run, chosen, tuple(attempt.rungs), tuple(attempt.reasons), clock.spent, clock.stopped_by
    )
    from dlcv_plugins.commands.auto.page import write_page

    write_page(found)
    return found


@contextmanager
def _tried(runs: Path, name: str | None, data: str, *, force: bool) -> Iterator[Path]:
    """Makes the folder of the runs that are tried, after the name that the run will have.

    The name is the one that is given, or the first that is free. No other process takes it
    meanwhile.

    Raises:
        DlcvError: there is no such data, or such a run or folder, or another process uses it.
    """
    find_store(data)
    RunDirectory.refuse_existing(runs, name, force=force)
    runs.mkdir(parents=True, exist_ok=True)
    if name is None:
        folder = _numbered(runs, data)
    else:
        folder = runs / f"{name}{TRIED}"
        files.refuse_existing(folder, force=force)
        if folder.exists():
            with _locked(folder):
                files.remove(folder)
        folder.mkdir(exist_ok=True)
    with _locked(folder):
        yield folder


def _locked(folder: Path) -> AbstractContextManager[None]:
    return files.lock(folder / ".lock", f"another process is using {folder}; choose another name")


def _numbered(runs: Path, data: str) -> Path:
    """Makes the folder of what is tried, after the first name that is free."""
    stem = Path(data).expanduser().stem or "data"
    stem = stem if stem.isascii() and "(" not in stem else "data"
    for number in itertools.count(1):
        folder = runs / f"auto-{stem}-{number}{TRIED}"
        if not os.path.lexists(runs / f"auto-{stem}-{number}"):
            with suppress(FileExistsError):
                folder.mkdir()
                return folder
    raise AssertionError


def _chosen(attempt: Attempt) -> Candidate:
    """Returns the lowest loss of what is at least as accurate as transfer alone."""
    alone = next(rung.candidate for rung in attempt.rungs if rung.candidate)
    eligible = [c for c in attempt.candidates if c.right >= alone.right]
    for candidate in eligible:
        if (
            len(candidate.paths) == 1
            or attempt.clock.left > attempt.reserve * len(candidate.paths) / 2
        ):
            return candidate
        attempt.say("no time is left to test %d networks", len(candidate.paths))
    return alone


def _tested(chosen: Candidate, runs: Path, name: str, *, force: bool) -> "Trained":
    """Makes a run of what was chosen, and tests it."""
    from dlcv_plugins.trainers.combined import test_combined, write_combined
    from dlcv_plugins.trainers.held_out import copy_to_test, test

    source, *others = chosen.paths
    write: Callable[[RunDirectory], None] = functools.partial(copy_to_test, source)
    if others:
        write = functools.partial(write_combined, chosen.paths)
    with new_directory(
        runs, name, name, write, force=force, is_worth_keeping=lambda made: made.is_finished
    ) as directory:
        if others:
            return test_combined(directory, chosen.paths, chosen.accuracy)
        return test(directory, source)
