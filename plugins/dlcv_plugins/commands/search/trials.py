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
from optuna.trial import TrialState

from dlcv import hook, registry
from dlcv.api import Observers, Trained
from dlcv.errors import DlcvError
from dlcv_plugins.commands.search.storage import Claimed, Search
from dlcv_plugins.trainers.gradient_descent.trainer import GradientDescent
from dlcv_plugins.training.stage import Stage

logger = logging.getLogger(__name__)
Ending = Literal["complete", "pruned", "failed", "time", "signal"]


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


def train_trial(search: Search, claimed: Claimed, deadline: float, yielding: list[str]) -> Ending:
    """Trains a trial, or goes on with it, and records how it ended.

    A trial that is stopped by a signal, or because the time is up, is recorded by nobody: the next
    call goes on with it.

    Args:
        search: The search.
        claimed: The trial.
        deadline: When the time is up, by `time.monotonic`.
        yielding: What trainers take.

    Raises:
        KeyboardInterrupt: ctrl+c came before the first step.
    """
    watching = Watching(claimed.trial, deadline)
    start = time.monotonic()
    try:
        with registry.registry.hook_manager().registered(watching):
            run = _trained(claimed, yielding)
    except DlcvError as error:
        claimed.trial.set_user_attr("reason", str(error))
        _tell(search, claimed, TrialState.FAIL)
        logger.warning("trial %d failed: %s", claimed.number, error)
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
        return "time" if watching.reason else "signal"
    row = run.trained_row
    _describe(claimed, row)
    losses = search.study.get_trials(deepcopy=False)[claimed.number - 1].intermediate_values
    _tell(search, claimed, TrialState.COMPLETE, losses[row["epoch"]])
    return "complete"


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
