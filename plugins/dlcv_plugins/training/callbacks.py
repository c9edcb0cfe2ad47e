"""Keras callbacks: progress, history and checkpoints while a stage trains."""

import contextlib
import logging
import shlex
import time
from pathlib import Path
from typing import Any

import attrs
import keras
import numpy as np

from dlcv.api import Position, checkpoints, track
from dlcv.errors import DlcvError
from dlcv_plugins.training import averages
from dlcv_plugins.training.interruption import Interrupted
from dlcv_plugins.training.stage import Stage, best_epochs

logger = logging.getLogger(__name__)


@attrs.define(eq=False, slots=False)
class Recorder(keras.callbacks.Callback):
    """Adds a row to the history after each epoch, and logs it.

    Attributes:
        stage: The stage.
        rates: The learning rate of each of its steps.
        earlier_seconds: How long the epoch had taken before it was interrupted.
    """

    stage: Stage
    rates: np.ndarray
    earlier_seconds: float = 0.0
    _start: float = 0.0

    def __attrs_pre_init__(self) -> None:
        """Begins as Keras wants it."""
        super().__init__()

    @property
    def seconds(self) -> float:
        """How long the epoch under way has taken."""
        return self.earlier_seconds + time.monotonic() - self._start

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Starts the clock."""
        self._start = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Records what Keras measured, the rate at the epoch's start, and the seconds."""
        epochs = self.stage.settings.epochs
        row = {
            "stage": self.stage.index + 1,
            "epoch": self.stage.epochs_done + 1,
            **{name: float(value) for name, value in (logs or {}).items()},
            "learning_rate": float(str(self.rates[epoch * len(self.rates) // epochs])),
            "seconds": round(self.seconds, 3),
        }
        self.earlier_seconds = 0.0
        self.stage.training.history.add(row)
        logger.info(
            "%sepoch %d of %d: loss %.4f, accuracy %.2f %%, validation loss %.4f, "
            "accuracy %.2f %%, rate %.2g, %.1f s",
            f"stage {self.stage.index + 1}, " if self.stage.title else "",
            epoch + 1,
            epochs,
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
            track(description, self._images, "images", done=self._done)
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


@attrs.define(eq=False, slots=False)
class CheckpointWriter(keras.callbacks.Callback):
    """Writes checkpoints every few epochs and when asked to stop; must be the last callback.

    Attributes:
        stage: The stage.
        recorder: Knows how long an epoch has taken.
        position: How far the training is.
    """

    stage: Stage
    recorder: Recorder
    position: Position

    def __attrs_pre_init__(self) -> None:
        """Begins as Keras wants it."""
        super().__init__()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Counts the step; on request writes a checkpoint and stops."""
        position = self.position
        self.position = attrs.evolve(position, batch=position.batch + 1, step=position.step + 1)
        # After the last batch the epoch is finished first, or its row would be lost.
        if self.stage.asked.signal and self.position.batch < self.stage.train.steps_per_epoch:
            self._save_and_stop()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Writes a checkpoint, if it is time or somebody asked to stop."""
        self.position = attrs.evolve(self.position, epoch=epoch + 1, batch=0)
        if self.stage.asked.signal:
            self._save_and_stop()
        training, done = self.stage.training, self.stage.epochs_done
        is_due = (epoch + 1) % training.checkpoint_every == 0
        is_due = is_due or done in best_epochs(training.history.rows)
        # The last epoch's checkpoint is the one that ends the stage, maybe with the best weights.
        is_last = epoch + 1 >= self.stage.settings.last_epoch
        if done in training.snapshots() or (is_due and not is_last):
            self._save()

    def _save(self) -> None:
        training = self.stage.training
        seconds = self.recorder.seconds if self.position.batch else 0.0
        # Asked for first: with JAX that brings the variables up to date.
        optimizer = self.model.optimizer
        variables = self.stage.variables()
        places = averages.places(variables, optimizer)
        rows = training.history.rows
        taken = checkpoints.take(variables, self.position, rows, seconds, places)
        training.save(taken)

    def _save_and_stop(self) -> None:
        self._save()
        raise Interrupted(self.stage.asked.signal)
