"""Training one trial: a run that is stopped when it is pruned, or when the time is up."""

import gc
import logging
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import attrs
import keras
import optuna
from optuna.exceptions import OptunaError
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from dlcv import hook, registry
from dlcv.api import Observers, RunDirectory, Trained, find_store
from dlcv.errors import DlcvError, ImageError, first_line
from dlcv_plugins.commands.search.storage import Claimed, Search
from dlcv_plugins.trainers.gradient_descent.trainer import GradientDescent
from dlcv_plugins.training.stage import Stage

logger = logging.getLogger(__name__)
Ending = Literal["complete", "pruned", "failed", "time"]


@attrs.define(eq=False)
class Watching:
    """Reports a trial's losses to Optuna, and stops its training, while its run is trained.

    Attributes:
        trial: Optuna's.
        deadline: When the time is up, by `time.monotonic`.
        reason: Why it was stopped: `pruned`, `time`, or nothing.
    """

    trial: optuna.Trial
    deadline: float
    reason: str = ""

    @hook
    @contextmanager
    def dlcv_stage(self, stage: Stage) -> Iterator[Stage]:
        """Gives the stage with a callback that watches it."""
        yield attrs.evolve(stage, callbacks=(*stage.callbacks, _Watcher(self, stage)))

    def stop(self, stage: Stage, reason: str) -> None:
        """Has a training stop after its step, with a checkpoint."""
        if not stage.asked.signal:
            self.reason, stage.asked.signal = reason, signal.SIGTERM


class _Watcher(keras.callbacks.Callback):
    def __init__(self, watching: Watching, stage: Stage) -> None:
        super().__init__()
        self._watching, self._stage = watching, stage

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Stops when the time is up."""
        if time.monotonic() > self._watching.deadline:
            self._watching.stop(self._stage, "time")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Reports the validation loss; penalties on weights, which differ by network, apart."""
        stage, trial = self._stage, self._watching.trial
        penalties = sum(float(penalty) for penalty in self.model.losses)
        trial.report((logs or {})["val_loss"] - penalties, stage.epochs_done)
        is_last = stage.index + 1 == len(stage.training.stages)
        is_last = is_last and epoch + 1 >= stage.settings.last_epoch
        if trial.should_prune() and not is_last:
            self._watching.stop(stage, "pruned")


def train_trial(
    search: Search, claimed: Claimed, deadline: float, yielding: list[str]
) -> Ending | int:
    """Trains a trial, or goes on with it, and records how it ended.

    A trial that is stopped by a signal, because the time is up, or by an error that has nothing to
    do with its values, is recorded by nobody: the next call goes on with it.

    Args:
        search: The search.
        claimed: The trial.
        deadline: When the time is up, by `time.monotonic`.
        yielding: What trainers take.

    Returns:
        How it ended, or the number of the signal that stopped it.

    Raises:
        KeyboardInterrupt: ctrl+c came before the first step.
        DlcvError: the data or an image can't be read, or another process writes the run.
        OSError: the disk is full, or broken.
    """
    if claimed.path.exists():
        with RunDirectory(claimed.path).lock():
            pass
    watching = Watching(claimed.trial, deadline)
    start = time.monotonic()
    try:
        with registry.registry.hook_manager().registered(watching):
            run = _trained(claimed, yielding)
    except Exception as error:
        if _is_of_all(error, search):
            raise
        # Such as a rate that diverges, or a network that a GPU has too little memory for.
        reason = str(error) if isinstance(error, DlcvError) else first_line(error)
        claimed.trial.set_user_attr("reason", reason)
        _tell(search, claimed, TrialState.FAIL)
        logger.warning("trial %d failed: %s", claimed.number, reason)
        return "failed"
    finally:
        # A network holds itself by cycles; its memory is wanted for the next.
        gc.collect()
    before = claimed.trial.user_attrs.get("seconds", 0.0)
    claimed.trial.set_user_attr("seconds", round(before + time.monotonic() - start, 1))
    if watching.reason == "pruned":
        _describe(claimed, run.history[-1])
        _tell(search, claimed, TrialState.PRUNED)
        return "pruned"
    if run.stopped_by:
        return "time" if watching.reason else run.stopped_by
    row = run.trained_row
    _describe(claimed, row)
    losses = search.study.get_trials(deepcopy=False)[claimed.number - 1].intermediate_values
    _tell(search, claimed, TrialState.COMPLETE, losses[row["epoch"]])
    return "complete"


def _is_of_all(error: Exception, search: Search) -> bool:
    """Returns whether an error has nothing to do with a trial's values.

    So it is with a full disk, the search's own storage, an image that can't be read, and data that
    is gone; not with an image that a preprocessor refuses.
    """
    if isinstance(error, OSError | OptunaError | SQLAlchemyError):
        return True
    cause: BaseException | None = error
    while isinstance(cause, ImageError):
        cause = cause.__cause__
    if cause is None:
        return True
    try:
        store = find_store(search.config.data)
        for name in store.splits():
            store.open(name)
    except DlcvError:
        return True
    return False


def _trained(claimed: Claimed, yielding: list[str]) -> Any:
    trainer = GradientDescent(held_out="val")
    if claimed.path.exists():
        return trainer.resume(claimed.path, from_epoch=None, changes={})
    Observers(claimed.config).require()
    run: Trained = trainer.train(
        claimed.config,
        name=claimed.path.name,
        runs=claimed.path.parent,
        force=False,
        yielding=yielding,
    )
    return run


def _tell(search: Search, claimed: Claimed, state: TrialState, value: float | None = None) -> None:
    """Records how a trial ended."""
    search.study.tell(claimed.number - 1, value, state=state, skip_if_finished=True)


def _describe(claimed: Claimed, row: dict[str, Any]) -> None:
    claimed.trial.set_user_attr("accuracy", row["val_accuracy"])
    claimed.trial.set_user_attr("epoch", row["epoch"])
