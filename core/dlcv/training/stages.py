"""Training in stages: each freezes, compiles, fits and writes checkpoints."""

import logging
from pathlib import Path
from typing import Any

import attrs
import keras
import numpy as np

from dlcv.config import StageConfig
from dlcv.data.loader import Loader
from dlcv.errors import DlcvError
from dlcv.interfaces import Schedule
from dlcv.training import averages, checkpoints, class_weights, history
from dlcv.training.batch_statistics import BatchStatistics, PreciseStatistics
from dlcv.training.callbacks import (
    CheckpointWriter,
    EarlyStop,
    FiniteLoss,
    MetricsRestorer,
    Progress,
    Recorder,
)
from dlcv.training.checkpoints import Checkpoint, Position
from dlcv.training.compiling import compile_stage
from dlcv.training.feed import Feed
from dlcv.training.freezing import freeze, trained_parameters
from dlcv.training.frozen_features import frozen_features
from dlcv.training.history import History, snapshot_epochs
from dlcv.training.interruption import Interruption
from dlcv.training.network import Network

logger = logging.getLogger(__name__)


@attrs.frozen(eq=False)
class Training:
    """All that training needs, for every stage.

    Attributes:
        network: The network.
        stages: The stages' settings.
        schedules: A schedule a stage.
        train: The training batches.
        val: The validation batches.
        folder: Where the checkpoints go.
        history: Where the rows go.
        callbacks: Further Keras callbacks.
        checkpoint_every: Epochs between checkpoints.
        asked: Whether somebody asked to stop.
        jit_compile: Whether XLA compiles the network: `auto`, `on` or `off`.
    """

    network: Network
    stages: tuple[StageConfig, ...]
    schedules: tuple[Schedule, ...]
    train: Loader
    val: Loader
    folder: Path
    history: History
    callbacks: list[keras.callbacks.Callback]
    checkpoint_every: int
    asked: Interruption
    jit_compile: str = "auto"

    def run(self, checkpoint: Checkpoint | None, source: str = "") -> None:
        """Trains all stages, or what is left of them after a checkpoint.

        Raises:
            Interrupted: somebody asked to stop; a checkpoint is written.
            DlcvError: an image can't be read, the loss is no longer finite, or the checkpoint does
                not fit; `source` names it.
        """
        variables = self.network.model.variables
        position = checkpoint.position if checkpoint else Position()
        if checkpoint is not None and not position.is_within_stage:
            checkpoints.restore(checkpoint, variables, source)
            checkpoint = None
        for stage in range(position.stage, len(self.stages)):
            steps = _Stage.of(self, stage).run(position, checkpoint, source)
            position, checkpoint = Position(stage=stage + 1, step=steps), None
            taken = checkpoints.take(variables, position, self.history.rows)
            checkpoints.save(self.folder, taken, self.snapshots())

    def snapshots(self) -> list[int]:
        """Returns the epochs so far that ended a cycle, counted over all stages."""
        return snapshot_epochs(self.stages, self.schedules, self.history.rows)


@attrs.frozen(eq=False)
class _Stage:
    """One stage of a training, and what is trained in it.

    Attributes:
        whole: The training.
        index: The stage's number, from 0.
        model: What is trained: the network, or its classifier on what the body gave.
        train: The training batches, in the stage's size.
        val: The validation batches.
    """

    whole: Training
    index: int
    model: keras.Model
    train: Loader
    val: Loader

    @classmethod
    def of(cls, whole: Training, index: int) -> "_Stage":
        """Returns a stage in which the network is trained on images."""
        size = whole.stages[index].batch_size
        train, val = (loader.with_batch_size(size) for loader in (whole.train, whole.val))
        return cls(whole, index, whole.network.model, train, val)

    @property
    def settings(self) -> StageConfig:
        """The stage's settings."""
        return self.whole.stages[self.index]

    def run(self, start: Position, checkpoint: Checkpoint | None, source: str) -> int:
        """Trains the stage, or what is left of it, and returns how many steps are done then."""
        freeze(self.whole.network, self.settings.trainable)
        self._log_trained()
        with frozen_features(
            self.whole.network,
            self.train,
            self.val,
            self.settings.last_epoch,
            self.whole.folder.parent,
            self.whole.asked,
        ) as (model, train, val):
            stage = attrs.evolve(self, model=model, train=train, val=val)
            return stage._run(start, checkpoint, source)

    def _run(self, start: Position, checkpoint: Checkpoint | None, source: str) -> int:
        rates = self._compile()
        if checkpoint is not None:
            self._build_all()
            self._restore_all(checkpoint, source)
        recorder = Recorder(
            self.whole.history,
            stage=self.index,
            stages=len(self.whole.stages),
            epochs=self.settings.epochs,
            rates=rates,
            earlier_seconds=checkpoint.seconds if checkpoint else 0.0,
        )
        writer = CheckpointWriter(
            self.whole.folder,
            self.whole.history,
            recorder,
            self.whole.asked,
            start=start,
            steps_per_epoch=self.train.steps_per_epoch,
            epochs=self.settings.last_epoch,
            every=self.whole.checkpoint_every,
            variables=self._variables,
            snapshots=self.whole.snapshots,
        )
        own = [
            recorder,
            averages.ValidateAverages(),
            *self._precise_statistics(),
            EarlyStop(self._is_over),
        ]
        if checkpoint is not None and start.batch:
            # The number of batches is fixed when `fit` starts: the rest of an epoch needs its own.
            restorer = MetricsRestorer(lambda: self._restore_all(checkpoint, source))
            self._fit(start, start.epoch + 1, [*own, restorer, writer])
        if writer.position.epoch < self.settings.last_epoch and not self._is_over():
            self._fit(writer.position, self.settings.last_epoch, [*own, writer])
        self._end()
        return writer.position.step

    def _compile(self) -> np.ndarray:
        """Compiles, and returns the learning rate of each step."""
        rates = compile_stage(
            self.model,
            self.settings,
            self.whole.schedules[self.index],
            self.train.steps_per_epoch,
            self.whole.jit_compile,
        )
        averages.postpone(self.model.optimizer)
        return rates

    def _log_trained(self) -> None:
        """Logs what is trained, unless it is simply everything."""
        model, stages = self.whole.network.model, len(self.whole.stages)
        if stages > 1 or self.settings.trainable != "all":
            logger.info(
                "%s%s of %s parameters are trained (%s)",
                f"stage {self.index + 1} of {stages}: " if stages > 1 else "",
                f"{trained_parameters(model):,}",
                f"{model.count_params():,}",
                self.settings.trainable,
            )
        if (weights := self._class_weights()) is not None:
            names = self.train.images.label_names
            logger.info("class weights: %s", class_weights.in_words(weights, names))

    def _fit(self, start: Position, epochs: int, own: list[keras.callbacks.Callback]) -> None:
        steps = self.train.steps_per_epoch
        progress = Progress(
            images=len(self.train.images),
            batch_size=self.train.batch_size,
            epochs=self.settings.epochs,
            batches_done=start.batch,
        )
        first = len(self.whole.history.rows) * steps + start.batch
        count = (epochs - start.epoch) * steps - start.batch
        val_steps = self.val.steps_per_epoch
        weights = self._class_weights()
        finite = FiniteLoss(start.step, self.whole.folder)
        with Feed(self.train, first, count, weights) as train, Feed(self.val, 0, val_steps) as val:
            try:
                self.model.fit(
                    train,
                    steps_per_epoch=steps - start.batch,
                    validation_data=val,
                    validation_steps=val_steps,
                    initial_epoch=start.epoch,
                    epochs=epochs,
                    callbacks=[progress, *self.whole.callbacks, finite, *own],
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

    def _precise_statistics(self) -> list[keras.callbacks.Callback]:
        """Returns what estimates the statistics of batch normalization, where it is wanted."""
        statistics = BatchStatistics(self.model)
        choice = self.settings.batch_statistics
        if not statistics.are_wanted(choice, self.train.steps_per_epoch):
            return []
        return [PreciseStatistics(statistics, self.train, lambda: len(self.whole.history.rows))]

    def _class_weights(self) -> np.ndarray | None:
        if self.settings.class_weights == "none":
            return None
        images = self.train.images
        return class_weights.balanced(images.labels, len(images.label_names))

    def _is_over(self) -> bool:
        """Whether the validation loss has not fallen for too long."""
        rows = history.of_stage(self.whole.history.rows, self.index)
        patience = self.settings.early_stopping
        if patience is None or not rows:
            return False
        return bool(rows[-1]["epoch"] - history.best_row(rows)["epoch"] >= patience)

    def _end(self) -> None:
        """Leaves the network with the weights that the stage leads to."""
        rows = history.of_stage(self.whole.history.rows, self.index)
        best = history.best_row(rows)["epoch"]
        if self.settings.early_stopping is None or best == rows[-1]["epoch"]:
            averages.finalize(self.model)
            return
        try:
            checkpoint, path = checkpoints.load_epoch(self.whole.folder, best)
        except DlcvError as error:
            logger.warning("the weights stay those of the last epoch: %s", error)
            averages.finalize(self.model)
            return
        variables = self.whole.network.model.variables
        checkpoints.restore(checkpoint.of_network(len(variables)), variables, str(path))
        logger.info(
            "%s the weights are those of epoch %d, whose validation loss is lowest",
            f"stopped after epoch {rows[-1]['epoch']};" if self._is_over() else "at the end",
            best,
        )

    def _restore_all(self, checkpoint: Checkpoint, source: str) -> None:
        """Restores weights, optimizer and metrics."""
        checkpoints.restore(checkpoint, self._variables(), source)

    def _variables(self) -> list[Any]:
        return checkpoints.training_variables(self.whole.network.model, self.model)

    def _build_all(self) -> None:
        """Makes the variables of optimizer and metrics, which Keras makes when they are used."""
        model = self.model
        model.optimizer.build(model.trainable_variables)
        model.test_on_batch(*self.val.batch(0, 0, self.val.order(0)))
