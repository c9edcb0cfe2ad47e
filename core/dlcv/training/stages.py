"""Training in stages: compile, fit, checkpoint; from the start, or on from a checkpoint."""

from pathlib import Path

import attrs
import keras
import numpy as np

from dlcv.config import StageConfig
from dlcv.data.loader import Loader
from dlcv.interfaces import Schedule
from dlcv.training import checkpoints
from dlcv.training.callbacks import FiniteLoss, Keeper, MetricsRestorer, Progress, Recorder
from dlcv.training.checkpoints import Checkpoint, Position
from dlcv.training.feed import Feed
from dlcv.training.history import History
from dlcv.training.interruption import Interruption
from dlcv.training.keras_objects import make_loss, make_optimizer


@attrs.frozen(eq=False)
class Training:
    """All that training needs, for every stage.

    Attributes:
        model: The network.
        stages: The stages' settings.
        schedules: A schedule a stage.
        train: The training batches.
        val: The validation batches.
        folder: Where the checkpoints go.
        history: Where the rows go.
        callbacks: Further Keras callbacks.
        checkpoint_every: Epochs between checkpoints.
        asked: Whether somebody asked to stop.
    """

    model: keras.Model
    stages: tuple[StageConfig, ...]
    schedules: tuple[Schedule, ...]
    train: Loader
    val: Loader
    folder: Path
    history: History
    callbacks: list[keras.callbacks.Callback]
    checkpoint_every: int
    asked: Interruption

    def run(self, checkpoint: Checkpoint | None, source: str = "") -> None:
        """Trains all stages, or what is left of them after a checkpoint.

        Raises:
            Interrupted: somebody asked to stop; a checkpoint is written.
            DlcvError: an image can't be read, the loss is no longer finite, or the checkpoint does
                not fit; `source` names it.
        """
        position = checkpoint.position if checkpoint else Position()
        if checkpoint is not None and not position.is_within_stage:
            checkpoints.restore(checkpoint, self.model.variables, source)
            checkpoint = None
        for stage in range(position.stage, len(self.stages)):
            steps = self._run_stage(position, checkpoint, source)
            position, checkpoint = Position(stage=stage + 1, step=steps), None
            taken = checkpoints.take(self.model.variables, position, self.history.rows)
            checkpoints.save(self.folder, taken)

    def _run_stage(self, start: Position, checkpoint: Checkpoint | None, source: str) -> int:
        """Trains one stage, or what is left of it, and returns how many steps are done then."""
        stage = start.stage
        steps_per_epoch = self.train.steps_per_epoch
        rates = compile_stage(
            self.model, self.stages[stage], self.schedules[stage], steps_per_epoch
        )
        if checkpoint is not None:
            self._build_all()
            self._restore_all(checkpoint, source)
        epochs = self.stages[stage].epochs
        recorder = Recorder(
            self.history,
            stage=stage,
            stages=len(self.stages),
            epochs=epochs,
            rates=rates,
            earlier_seconds=checkpoint.seconds if checkpoint else 0.0,
        )
        keeper = Keeper(
            self.folder,
            self.history,
            recorder,
            self.asked,
            start=start,
            steps_per_epoch=steps_per_epoch,
            epochs=epochs,
            every=self.checkpoint_every,
        )
        if checkpoint is not None and start.batch:
            # The number of batches is fixed when `fit` starts: the rest of an epoch needs its own.
            restorer = MetricsRestorer(lambda: self._restore_all(checkpoint, source))
            self._fit(start, start.epoch + 1, [recorder, restorer, keeper])
            start = attrs.evolve(start, epoch=start.epoch + 1, batch=0)
        if start.epoch < epochs:
            self._fit(start, epochs, [recorder, keeper])
        return keeper.position.step

    def _fit(self, start: Position, epochs: int, own: list[keras.callbacks.Callback]) -> None:
        earlier_epochs = sum(s.epochs for s in self.stages[: start.stage])
        steps = self.train.steps_per_epoch
        progress = Progress(
            images=len(self.train.images),
            batch_size=self.train.batch_size,
            epochs=self.stages[start.stage].epochs,
            batches_done=start.batch,
        )
        first = (earlier_epochs + start.epoch) * steps + start.batch
        count = (epochs - start.epoch) * steps - start.batch
        val_steps = self.val.steps_per_epoch
        with Feed(self.train, first, count) as train, Feed(self.val, 0, val_steps) as val:
            try:
                self.model.fit(
                    train,
                    steps_per_epoch=steps - start.batch,
                    validation_data=val,
                    validation_steps=val_steps,
                    initial_epoch=start.epoch,
                    epochs=epochs,
                    callbacks=[progress, *self.callbacks, FiniteLoss(first), *own],
                    shuffle=False,
                    verbose=0,
                )
            except Exception:
                # What a thread raised comes back from Keras as an error of the back end.
                if error := train.error or val.error:
                    raise error from None
                raise
            finally:
                progress.close()

    def _restore_all(self, checkpoint: Checkpoint, source: str) -> None:
        """Restores weights, optimizer and metrics."""
        variables = checkpoints.training_variables(self.model)
        checkpoints.restore(checkpoint, variables, source)

    def _build_all(self) -> None:
        """Makes the variables of optimizer and metrics, which Keras makes when they are used."""
        self.model.optimizer.build(self.model.trainable_variables)
        self.model.test_on_batch(*self.val.batch(0, 0, self.val.order(0)))


def compile_stage(
    model: keras.Model, stage: StageConfig, schedule: Schedule, steps_per_epoch: int
) -> np.ndarray:
    """Compiles a network for a stage and returns the learning rate of each of its steps.

    Raises:
        SpecError: Keras does not know the optimizer or the loss.
    """
    optimizer, rates = make_optimizer(stage.optimizer, schedule, stage.epochs, steps_per_epoch)
    model.compile(optimizer=optimizer, loss=make_loss(stage.loss), metrics=["accuracy"])
    return rates
