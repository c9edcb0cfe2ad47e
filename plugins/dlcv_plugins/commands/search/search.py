"""A search: trials one after the other, or elsewhere side by side; the best is tested once."""

import functools
import logging
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from optuna.trial import FrozenTrial, TrialState

from dlcv import files
from dlcv.api import (
    RunConfig,
    RunDirectory,
    backend,
    configured,
    find_store,
    load_trained,
)
from dlcv.errors import DlcvError
from dlcv.interfaces import evolve
from dlcv.registry import Spec
from dlcv_plugins.commands.search.space import read_space
from dlcv_plugins.commands.search.storage import BEST, PAGE, Search, shown
from dlcv_plugins.ensembles.ensemble import logged_once
from dlcv_plugins.executors.current import executor, results_of
from dlcv_plugins.executors.stopping import signal_of
from dlcv_plugins.kinds.executor import Needs, Report
from dlcv_plugins.wording import duration

if TYPE_CHECKING:
    from dlcv.api import Trained

logger = logging.getLogger(__name__)
TRAINER = "gradient_descent"
FRUITLESS = 5
"""So many trials that fail, with none that does not, end a search."""
SOURCE = "source.txt"
"""In the folder of the search: the trial that `best` is a copy of."""


@attrs.frozen(eq=False)
class Found:
    """What a search found.

    Attributes:
        search: The search.
        trials: The trials that came to an end, the best first.
        best: The best one as a run of its own, tested; None where it is not tested yet.
        others: How many trials other processes are training.
        stopped_by: The number of the signal that stopped it, 0 if none did.
    """

    search: Search
    trials: tuple[FrozenTrial, ...]
    best: "Trained | None" = None
    others: int = 0
    stopped_by: int = 0

    @property
    def complete(self) -> tuple[FrozenTrial, ...]:
        """The trials that were trained to their end, the best first."""
        return tuple(t for t in self.trials if t.state == TrialState.COMPLETE)

    @property
    def page(self) -> Path:
        """The page about it."""
        return self.search.folder / PAGE


def search(
    config: RunConfig | str | os.PathLike[str] | None = None,
    *,
    vary: Iterable[str],
    trials: int = 20,
    minutes: float | None = None,
    out: str | os.PathLike[str] = "search",
    sampler: str = "tpe",
    pruner: str = "median",
    force: bool = False,
    **options: object,
) -> Found:
    """Searches the settings of a run that validate best, or goes on with a search.

    Each trial is a run in the folder `trials`, whose test images stay unseen; the best is copied
    to the folder `best`, and tested there.

    Args:
        config: A configuration, the path of one, or a recipe's name; the defaults if left out.
        vary: What is varied: `learning_rate=log(1e-4, 1e-1)`, `batch_size=[16, 32]`.
        trials: How many trials there may be in all, those of earlier calls included.
        minutes: When to stop; never before there are enough trials if left out.
        out: The folder of the search. A search that is there goes on if the other arguments are
            the same, in several processes at once if they are called so.
        sampler: One of Optuna's samplers with its options: `tpe`, `random`, `nsgaii`.
        pruner: One of Optuna's pruners with its options: `median`, `hyperband`, `nop` for none.
        force: Whether a search that is there is replaced.
        options: Options of `RunConfig` and of its only stage, as `dlcv.run` takes them.

    Raises:
        DlcvError: something in the arguments or the data is wrong, all trials failed, or the time
            was up before one of them ended.
    """
    start = time.time()
    if trials < 1 or not (minutes is None or minutes > 0):
        raise DlcvError("trials and minutes must be above 0")
    base, yielding = configured(config, options)
    _check_validation(base, yielding)
    space = read_space(base, vary)
    common = evolve(base, trainer=_trainer(base))
    begun = Search.begun(Path(out), common, space, sampler, pruner, force=force)
    deadline = float("inf") if minutes is None else start + 60 * minutes
    # Each trial opens the same data, and has the same to say about it.
    with logged_once():
        stopped_by = _run_trials(begun, trials, deadline, yielding)
    found = Found(
        begun, tuple(begun.finished()), others=begun.others_at_work(), stopped_by=stopped_by
    )
    if not found.complete and not stopped_by:
        raise DlcvError(_nothing(found, minutes))
    if found.complete:
        if not stopped_by and not found.others:
            found = attrs.evolve(found, best=_tested(found))
        from dlcv_plugins.commands.search.page import write_page

        write_page(found)
    return found


def _check_validation(config: RunConfig, yielding: list[str]) -> None:
    """Raises a `DlcvError` if the images that choose the best trial are those of the test."""
    if config.split.validation != "test":
        return
    if "validation" in yielding and "val" in find_store(config.data).splits():
        return
    raise DlcvError(
        "validation: the test images would choose the settings and then report their accuracy; "
        "validate on training images with --validation 0.1"
    )


def _trainer(config: RunConfig) -> Spec:
    """Returns the trainer of the trials; raises `DlcvError` for runs that have no epochs."""
    others = {
        "classifier": config.classifier is not None,
        "members": config.members > 1,
        "trainer": config.trainer is not None and config.trainer.name != TRAINER,
    }
    if named := [name for name, is_other in others.items() if is_other]:
        raise DlcvError(
            f"{named[0]}: a search compares the validation losses of networks that are trained in "
            f"epochs, one a trial; leave {named[0]} out"
        )
    return Spec(TRAINER, {"held_out": Spec("val")})


def _run_trials(search: Search, most: int, deadline: float, yielding: list[str]) -> int:
    """Trains trials until there are enough, or the time is up; returns the signal that came."""
    threads = search.config.threads or backend.available_threads()
    work = functools.partial(_train_next, search, most, threads, deadline, yielding)
    left, is_elsewhere = range(most - len(search.finished())), executor().is_elsewhere
    needs = Needs(threads, has_network=True)
    with results_of(work, left, needs, doing="training", total=len(left), unit="trials") as results:
        try:
            for number, ending in results:
                if isinstance(ending, int) and not is_elsewhere:
                    return ending
                if ending in ("enough", "time") and not is_elsewhere:
                    return 0
                if ending in ("complete", "pruned"):
                    _log(search, number, ending)
                trials = search.finished()
                if len(trials) >= FRUITLESS and all(t.state == TrialState.FAIL for t in trials):
                    return 0
        except (KeyboardInterrupt, SystemExit) as ending:
            return signal_of(ending)
    return 0


def _train_next(
    search: Search,
    most: int,
    threads: int,
    deadline: float,
    yielding: list[str],
    place: int,
    report: Report,
) -> tuple[int, str | int]:
    """Trains the next trial, and returns its number and how it ended, or the signal that came."""
    seconds = deadline - time.time()
    if seconds <= 0:
        return 0, "time"
    backend.start(threads)
    # It imports Keras, which starts with the right number of threads.
    from dlcv_plugins.commands.search.trials import train_trial

    with search.claimed(most) as claimed:
        if claimed is None:
            return 0, "enough"
        values = ", ".join(f"{k}={shown(v)}" for k, v in claimed.trial.params.items())
        logger.info("trial %d of %d: %s", claimed.number, most, values)
        ending = train_trial(search, claimed, time.monotonic() + seconds, yielding)
        report(1)
        return claimed.number, ending


def _log(search: Search, number: int, ending: str) -> None:
    """Logs how a trial ended, and which is the best so far."""
    finished = search.finished()
    own = next(trial for trial in finished if trial.number == number - 1)
    best = finished[0]
    logger.info(
        "trial %d %s: validation loss %.4f, accuracy %.2f %%, %s; the best so far is trial %d",
        number,
        "is complete"
        if ending == "complete"
        else f"was pruned after epoch {own.user_attrs['epoch']}",
        own.value if ending == "complete" else own.intermediate_values[own.user_attrs["epoch"]],
        100 * own.user_attrs["accuracy"],
        duration(own.user_attrs["seconds"]),
        best.number + 1,
    )


def _nothing(found: Found, minutes: float | None) -> str:
    """Returns why there is no best trial."""
    failed = [trial for trial in found.trials if trial.state == TrialState.FAIL]
    if failed:
        last = failed[-1]
        reason = f"trial {last.number + 1}: {last.user_attrs.get('reason', 'unknown')}"
        if pruned := len(found.trials) - len(failed):
            return f"no trial is complete: {pruned} were pruned, {len(failed)} failed, as {reason}"
        return f"all {len(failed)} trials failed; the last, {reason}"
    if found.trials:
        return (
            f"all {len(found.trials)} trials were pruned, so none is the best; choose another "
            "pruner, or nop for none"
        )
    if found.others:
        return f"no trial is complete so far; other processes train {found.others}"
    return (
        f"the time of {minutes:g} minutes was up before the first trial was complete; give it more "
        "--minutes: the same command, without --force, goes on with it"
    )


def _tested(found: Found) -> "Trained":
    """Copies the best trial to the folder `best` and tests it, unless that was done before."""
    from dlcv_plugins.trainers.held_out import copy_to_test, test

    folder, number = found.search.folder, found.complete[0].number + 1
    directory, source = RunDirectory(folder / BEST), folder / SOURCE
    is_same = directory.path.exists() and source.exists() and source.read_text() == str(number)
    if not is_same:
        source.unlink(missing_ok=True)
        with files.atomic_folder(directory.path, force=True) as copy:
            copy_to_test(found.search.path(number), RunDirectory(copy))
        files.write_atomically(source, str(number))
    if not directory.is_finished:
        logger.info("testing the best, trial %d, on images that no trial has seen", number)
        with directory.lock():
            return test(directory, found.search.path(number))
    run: Any = load_trained(directory.path)
    return run  # A trial is one network, and so a `Run`.
