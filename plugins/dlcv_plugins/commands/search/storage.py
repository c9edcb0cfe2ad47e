"""The folder of a search: Optuna's storage, a folder for each trial, and who trains which."""

import functools
import logging
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import attrs
import optuna
import sqlalchemy
from optuna.trial import FrozenTrial, TrialState

from dlcv import files
from dlcv.api import RunConfig
from dlcv.errors import DlcvError, reason_of
from dlcv.registry import Spec
from dlcv_plugins.commands.search.samplers import for_new_values, made
from dlcv_plugins.commands.search.space import Dimension, chosen
from dlcv_plugins.storage import waited_lock

logger = logging.getLogger(__name__)
DATABASE = "search.db"
TRIALS, BEST, PAGE, LOCK = "trials", "best", "search.html", ".lock"
SECONDS_TO_WAIT = 30.0
"""For another process that is choosing a trial's values."""


@attrs.frozen(eq=False)
class Claimed:
    """A trial that is this process's to train.

    Attributes:
        trial: Optuna's.
        config: What to train.
        path: The directory of its run.
    """

    trial: optuna.Trial
    config: RunConfig
    path: Path

    @property
    def number(self) -> int:
        """Its number, from 1."""
        return int(self.trial.number) + 1


@attrs.frozen(eq=False)
class Search:
    """A search that was begun.

    Attributes:
        folder: Where it is.
        study: Optuna's study.
        config: What every trial has in common.
        space: What is varied.
        sampler: The name of Optuna's sampler with its options.
        pruner: The name of Optuna's pruner with its options.
    """

    folder: Path
    study: optuna.Study
    config: RunConfig
    space: tuple[Dimension, ...]
    sampler: Spec
    pruner: Spec

    @classmethod
    def begun(
        cls,
        folder: Path,
        config: RunConfig,
        space: tuple[Dimension, ...],
        sampler: str,
        pruner: str,
        *,
        force: bool,
    ) -> "Search":
        """Begins a search, or goes on with the one that is in a folder.

        Raises:
            DlcvError: the folder holds something else, or a search with other settings.
        """
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        specs = Spec.parse(sampler), Spec.parse(pruner)
        made(optuna.samplers, "sampler", specs[0], config.seed)
        made(optuna.pruners, "pruner", specs[1])
        folder.mkdir(parents=True, exist_ok=True)
        with _lock(folder):
            _prepare(folder, force=force)
            study = _opened(folder / DATABASE)
            settings = {"config": config.to_toml(), "vary": "\n".join(map(str, space))}
            recorded = study.user_attrs
            if not recorded:
                for name, value in settings.items():
                    study.set_user_attr(name, value)
            elif any(recorded.get(name) != value for name, value in settings.items()):
                raise DlcvError(
                    f"{folder} holds a search with other settings; repeat the same command to go "
                    "on with it, name another folder with --out, or replace it with --force"
                )
        study.pruner = made(optuna.pruners, "pruner", specs[1])
        return cls(folder, study, config, space, *specs)

    def path(self, number: int) -> Path:
        """Returns the directory of a trial's run, by the trial's number, from 1."""
        return self.folder / TRIALS / f"{number:04d}"

    @contextmanager
    def claimed(self, most: int) -> Iterator[Claimed | None]:
        """Gives a trial that was left unfinished, or a new one; None if there are enough.

        No other process takes it meanwhile. The values of a new one depend on the trials so far
        and on the seed, not on how often the search was stopped.

        Args:
            most: How many trials there may be in all.
        """
        with ExitStack() as stack:
            with _lock(self.folder):
                claimed = self._taken(most, stack)
            yield claimed

    def _taken(self, most: int, stack: ExitStack) -> Claimed | None:
        trials = self.study.get_trials(deepcopy=False)
        for found in trials:
            if found.state == TrialState.RUNNING and self._is_free(found.number, stack):
                return self._claim(optuna.Trial(self.study, found._trial_id))
        if len(trials) >= most:
            return None
        draw = functools.partial(chosen, self.space, self.config)
        sampler = for_new_values(self.study, self.sampler, self.config.seed, draw)
        if sampler is None:
            logger.info("all %d combinations of the varied values are tried", len(trials))
            return None
        before, self.study.sampler = self.study.sampler, sampler
        trial = self.study.ask()
        self._is_free(trial.number, stack)
        claimed = self._claim(trial)
        # One that counts what is left would end Optuna's own loop after the trial.
        self.study.sampler = before
        return claimed

    def _claim(self, trial: optuna.Trial) -> Claimed:
        # What was suggested to a process that was killed meanwhile is suggested again.
        config = chosen(self.space, self.config, trial)
        return Claimed(trial, config, self.path(trial.number + 1))

    def _is_free(self, number: int, stack: ExitStack) -> bool:
        """Locks a trial until the stack is left; returns whether no other process had it."""
        path = self.folder / TRIALS / f".{number + 1:04d}.lock"
        with suppress(DlcvError):
            stack.enter_context(files.lock(path, "taken"))
            return True
        return False

    def others_at_work(self) -> int:
        """Returns how many trials other processes are training."""
        running = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        with ExitStack() as stack:
            return sum(not self._is_free(trial.number, stack) for trial in running)

    def finished(self) -> list[FrozenTrial]:
        """Returns the trials that came to an end, the best first, then those without a value."""
        order = {TrialState.COMPLETE: 0, TrialState.PRUNED: 1, TrialState.FAIL: 2}
        trials = [t for t in self.study.get_trials(deepcopy=False) if t.state in order]
        return sorted(trials, key=lambda t: (order[t.state], loss_of(t), t.number))


def shown(value: Any) -> str:
    """Returns a varied value as people read it."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def loss_of(trial: FrozenTrial) -> float:
    """Returns a trial's validation loss; of a pruned one the last, and infinity where none is."""
    if trial.value is not None:
        return float(trial.value)
    reported = trial.intermediate_values
    return float(reported[max(reported)]) if reported else float("inf")


def _prepare(folder: Path, *, force: bool) -> None:
    """Makes the folder of the trials, in a locked folder that is empty or holds a search.

    Raises:
        DlcvError: it holds something else, or another process trains one of its trials.
    """
    trials = folder / TRIALS
    locks = {folder / LOCK, *trials.glob(".*.lock")}
    others = {*folder.iterdir(), *trials.glob("*")} - locks
    if not (folder / DATABASE).exists() and not others <= {trials}:
        raise DlcvError(f"{folder} holds no search; choose another folder with --out")
    if force:
        refusal = f"another process trains a trial of {folder}; stop it, or name another with --out"
        for path in trials.glob(".*.lock"):
            with files.lock(path, refusal):
                pass
        for path in folder.iterdir():
            if path.name != LOCK:
                files.remove(path)
    trials.mkdir(exist_ok=True)


def _opened(database: Path) -> optuna.Study:
    """Opens Optuna's study in a database, or makes it; raises `DlcvError` if it is damaged."""
    url = sqlalchemy.URL.create("sqlite", database=str(database)).render_as_string()
    try:
        return optuna.create_study(storage=url, study_name="search", load_if_exists=True)
    except (sqlalchemy.exc.DatabaseError, RuntimeError) as error:
        problem = reason_of(getattr(error, "orig", None) or error)
        raise DlcvError(
            f"{database} can't be read: {problem}; restore it, or replace the search with --force"
        ) from None


def _lock(folder: Path) -> AbstractContextManager[None]:
    """Keeps other processes from choosing a trial meanwhile; waits for them.

    Raises:
        DlcvError: another process has it for longer than choosing takes.
    """
    refusal = f"another process keeps {folder} locked"
    return waited_lock(folder / LOCK, refusal, SECONDS_TO_WAIT)
