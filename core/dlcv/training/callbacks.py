"""Keras callbacks: progress, history and checkpoints while a stage trains."""

import contextlib
import logging
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import keras
import numpy as np

from dlcv import progress
from dlcv.errors import DlcvError
from dlcv.training import averages, checkpoints
from dlcv.training.checkpoints import Position
from dlcv.training.history import History, best_epochs
from dlcv.training.interruption import Interrupted, Interruption

logger = logging.getLogger(__name__)


class Recorder(keras.callbacks.Callback):
    """Adds a row to the history after each epoch, and logs it.

    Attributes:
        earlier_seconds: How long the epoch had taken before it was interrupted.
    """

    def __init__(
        self,
        history: History,
        *,
        stage: int,
        stages: int,
        epochs: int,
        rates: np.ndarray,
        earlier_seconds: float,
    ) -> None:
        super().__init__()
        self._history = history
        self._stage = stage
        self._stages = stages
        self._epochs = epochs
        self._rates = rates
        self._start = 0.0
        self.earlier_seconds = earlier_seconds

    @property
    def seconds(self) -> float:
        """How long the epoch under way has taken."""
        return self.earlier_seconds + time.monotonic() - self._start

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Starts the clock."""
        self._start = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Records what Keras measured, the rate at the epoch's start, and the seconds."""
        row = {
            "stage": self._stage + 1,
            "epoch": len(self._history.rows) + 1,
            **{name: float(value) for name, value in (logs or {}).items()},
            "learning_rate": float(str(self._rates[epoch * len(self._rates) // self._epochs])),
            "seconds": round(self.seconds, 3),
        }
        self.earlier_seconds = 0.0
        self._history.add(row)
        stage = f"stage {self._stage + 1}, " if self._stages > 1 else ""
        logger.info(
            "%sepoch %d of %d: loss %.4f, accuracy %.2f %%, validation loss %.4f, "
            "accuracy %.2f %%, rate %.2g, %.1f s",
            stage,
            epoch + 1,
            self._epochs,
            row["loss"],
            100 * row["accuracy"],
            row["val_loss"],
            100 * row["val_accuracy"],
            row["learning_rate"],
            row["seconds"],
        )


class Progress(keras.callbacks.Callback):
    """Shows how far an epoch is, with images a second: a bar, or a line now and then in a log."""

    def __init__(self, *, images: int, batch_size: int, epochs: int, batches_done: int) -> None:
        super().__init__()
        self._images = images
        self._batch_size = batch_size
        self._epochs = epochs
        self._done = batches_done * batch_size
        self._shown = contextlib.ExitStack()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Starts to count, after what was done before an interruption."""
        description = f"epoch {epoch + 1}/{self._epochs}"
        self._advance = self._shown.enter_context(
            progress.track(description, self._images, "images", done=self._done)
        )

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Counts a batch, of which the last may be smaller."""
        count = min(self._batch_size, self._images - self._done)
        self._done += count
        self._advance(count, f"loss {(logs or {}).get('loss', float('nan')):.3f}")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Removes the bar."""
        self.close()

    def close(self) -> None:
        """Removes the bar, also when an epoch ends early."""
        self._shown.close()
        self._done = 0


class FiniteLoss(keras.callbacks.Callback):
    """Ends a training whose loss is no longer finite; must come before what writes anything."""

    def __init__(self, steps: int, folder: Path) -> None:
        """Starts to count after `steps` steps; `folder` holds the checkpoints so far."""
        super().__init__()
        self._steps = steps
        self._folder = folder

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Checks the mean loss of the epoch so far.

        Raises:
            DlcvError: it is not finite.
        """
        self._steps += 1
        self._check((logs or {})["loss"])

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Checks the validation loss, which is the first to show what the last step broke.

        Raises:
            DlcvError: it is not finite.
        """
        self._check((logs or {})["val_loss"])

    def _check(self, loss: float) -> None:
        if not np.isfinite(loss):
            kept = any(self._folder.glob(f"*{checkpoints.SUFFIX}"))
            resume = f"dlcv resume {shlex.quote(str(self._folder.parent))} --learning-rate RATE"
            raise DlcvError(
                f"the loss is no longer finite after step {self._steps}; "
                + (f"the last checkpoint is from before: `{resume}` goes on from it; " * kept)
                + "try a smaller rate, a warm-up, or clipnorm=1 in the optimizer"
            )


class CheckpointWriter(keras.callbacks.Callback):
    """Writes checkpoints every few epochs and when asked to stop; must be the last callback.

    Attributes:
        position: How far the training is.
    """

    def __init__(
        self,
        folder: Path,
        history: History,
        recorder: Recorder,
        asked: Interruption,
        *,
        start: Position,
        steps_per_epoch: int,
        epochs: int,
        every: int,
        variables: Callable[[], list[Any]],
        snapshots: Callable[[], list[int]],
    ) -> None:
        """Starts to count.

        Args:
            folder: Where the checkpoints go.
            history: The rows so far, this epoch's included when it ends.
            recorder: Knows how long an epoch has taken.
            asked: Whether somebody asked to stop.
            start: How far the training is.
            steps_per_epoch: Steps an epoch.
            epochs: The stage's last epoch.
            every: Epochs between checkpoints; the best epoch of a stage has one, too.
            variables: All that the training changes.
            snapshots: The epochs so far that ended a cycle, counted over all stages.
        """
        super().__init__()
        self._folder = folder
        self._history = history
        self._recorder = recorder
        self._asked = asked
        self.position = start
        self._steps_per_epoch = steps_per_epoch
        self._epochs = epochs
        self._every = every
        self._variables = variables
        self._snapshots = snapshots

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Counts the step; on request writes a checkpoint and stops."""
        position = self.position
        self.position = attrs.evolve(position, batch=position.batch + 1, step=position.step + 1)
        # After the last batch the epoch is finished first, or its row would be lost.
        if self._asked.signal and self.position.batch < self._steps_per_epoch:
            self._save_and_stop()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Writes a checkpoint, if it is time or somebody asked to stop."""
        self.position = attrs.evolve(self.position, epoch=epoch + 1, batch=0)
        if self._asked.signal:
            self._save_and_stop()
        done = len(self._history.rows)
        is_due = (epoch + 1) % self._every == 0 or done in best_epochs(self._history.rows)
        # The last epoch's checkpoint is the one that ends the stage, maybe with the best weights.
        if done in self._snapshots() or (is_due and epoch + 1 < self._epochs):
            self._save()

    def _save(self) -> None:
        seconds = self._recorder.seconds if self.position.batch else 0.0
        # Asked for first: with JAX that brings the variables up to date.
        optimizer = self.model.optimizer
        variables = self._variables()
        places = averages.places(variables, optimizer)
        taken = checkpoints.take(variables, self.position, self._history.rows, seconds, places)
        checkpoints.save(self._folder, taken, self._snapshots())

    def _save_and_stop(self) -> None:
        self._save()
        raise Interrupted(self._asked.signal)


class EarlyStop(keras.callbacks.Callback):
    """Ends a stage when it is over; what that depends on is in the history."""

    def __init__(self, is_over: Callable[[], bool]) -> None:
        super().__init__()
        self._is_over = is_over

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Lets `fit` end after this epoch."""
        if self._is_over():
            self.model.stop_training = True


class MetricsRestorer(keras.callbacks.Callback):
    """Gives an epoch that goes on in the middle its metrics back, which `fit` just reset."""

    def __init__(self, restore: Callable[[], None]) -> None:
        super().__init__()
        self._restore = restore

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Restores all variables."""
        self._restore()


class GuardedCallback(keras.callbacks.Callback):
    """Calls another callback by a guard, which decides what happens when it raises."""

    def __init__(self, callback: keras.callbacks.Callback, guard: Callable[..., None]) -> None:
        """Guards a callback.

        Args:
            callback: The callback.
            guard: Calls a method of it with arguments, or leaves that out.
        """
        super().__init__()
        self._callback = callback
        self._guard = guard

    def call(self, method: str, *arguments: Any) -> None:
        """Calls a method of the callback."""
        self._guard(getattr(self._callback, method), *arguments)

    def set_params(self, params: dict[str, Any]) -> None:
        """Hands it on."""
        super().set_params(params)
        self.call("set_params", params)

    def set_model(self, model: keras.Model) -> None:
        """Hands it on."""
        super().set_model(model)
        self.call("set_model", model)


def _handing_on(method: str) -> Callable[..., None]:
    def hand_on(self: GuardedCallback, *arguments: Any, logs: Any = None) -> None:
        self.call(method, *arguments, *(() if logs is None else (logs,)))

    return hand_on


for _occasion in ("train", "test", "predict", "epoch", *(
    f"{_kind}_batch" for _kind in ("train", "test", "predict")
)):  # fmt: skip
    for _moment in ("begin", "end"):
        setattr(
            GuardedCallback, f"on_{_occasion}_{_moment}", _handing_on(f"on_{_occasion}_{_moment}")
        )
