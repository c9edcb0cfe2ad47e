"""What a training is about, and what each of its stages trains."""

import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import attrs
import keras
import numpy as np

from dlcv.api import (
    Checkpoint,
    History,
    Loader,
    Network,
    StageConfig,
    best_row,
    checkpoints,
    of_stage,
)
from dlcv.interfaces import Schedule
from dlcv_plugins.ensembles.cycles import snapshot_epochs
from dlcv_plugins.training import class_weights
from dlcv_plugins.training.freezing import freeze
from dlcv_plugins.training.interruption import Interruption
from dlcv_plugins.training.pruning import prune

ROOM = 5
"""How many times the network's size the checkpoints take unless more of them are needed."""
BYTES = 4
"""The bytes of a weight."""
SMALL = 2**20
"""Bytes that checkpoints of a tiny network may take, too."""


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
        callbacks: Further Keras callbacks, which are called before dlcv's own.
        checkpoint_every: Epochs between checkpoints.
        keep_checkpoints: How many stay beside the newest, the best, and those that end a cycle of
            the learning rate; None for as many as take `ROOM` times the network's size in all.
        asked: Whether somebody asked to stop.
        jit_compile: Whether XLA compiles the network: `auto`, `on` or `off`.
        prepare: Gives the stage that is trained in the place of one; the context lasts as long.
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
    keep_checkpoints: int | None
    asked: Interruption
    jit_compile: str = "auto"
    prepare: "Callable[[Stage], AbstractContextManager[Stage]]" = nullcontext

    @property
    def room(self) -> int:
        """The bytes that the checkpoints take, unless more of them are needed."""
        return max(ROOM * BYTES * self.network.model.count_params(), SMALL)

    def stage(self, index: int) -> "Stage":
        """Returns a stage, counted from 0, with the network frozen for it.

        Raises:
            DlcvError: the layers that are to be trained do not exist, or have no weights.
        """
        settings = self.stages[index]
        freeze(self.network, settings.trainable)
        train, val = (
            loader.with_batch_size(settings.batch_size) for loader in (self.train, self.val)
        )
        return Stage(self, index, self.network.for_training(), train, val)

    def snapshots(self) -> list[int]:
        """Returns the epochs so far that ended a cycle, counted over all stages."""
        return snapshot_epochs(self.stages, self.schedules, self.history.rows)

    def save(self, checkpoint: Checkpoint) -> None:
        """Writes a checkpoint, and removes old ones that are not to be kept."""
        checkpoints.save(self.folder, checkpoint)
        rows = checkpoint.history
        # The stage under way may end with the weights of its own best epoch.
        needed = {int(best_row(rows)["epoch"]), max(best_epochs(rows))} if rows else set()
        prune(
            self.folder,
            needed | {*self.snapshots()},
            count=self.keep_checkpoints,
            room=self.room,
            is_finished=checkpoint.position.stage >= len(self.stages),
        )


@attrs.frozen(eq=False)
class Stage:
    """One stage of a training; the hook `dlcv_stage` may give another in its place.

    Attributes:
        training: The training.
        index: The stage's number, from 0.
        model: What is trained: the network, or a part of it that ends with the same outputs.
        train: The training batches, in the stage's size.
        val: The validation batches.
        callbacks: Keras callbacks of this stage. They are called when the weights for validation
            are in place; what an epoch gave is written after them.
    """

    training: Training
    index: int
    model: keras.Model
    train: Loader
    val: Loader
    callbacks: tuple[keras.callbacks.Callback, ...] = ()

    @property
    def settings(self) -> StageConfig:
        """The stage's settings."""
        return self.training.stages[self.index]

    @property
    def network(self) -> Network:
        """The network; only the layers that the stage trains are trainable."""
        return self.training.network

    @property
    def folder(self) -> Path:
        """The run's directory."""
        return self.training.folder.parent

    @property
    def asked(self) -> Interruption:
        """Whether somebody asked to stop."""
        return self.training.asked

    @property
    def epochs_done(self) -> int:
        """The epochs of the whole training that are done."""
        return len(self.training.history.rows)

    @property
    def title(self) -> str:
        """Which stage it is, for people; empty where it is the only one."""
        count = len(self.training.stages)
        return f"stage {self.index + 1} of {count}" if count > 1 else ""

    @property
    def rows(self) -> list[dict[str, float]]:
        """The history of this stage."""
        return of_stage(self.training.history.rows, self.index)

    @property
    def is_over(self) -> bool:
        """Whether the validation loss has not fallen for too long."""
        rows, patience = self.rows, self.settings.early_stopping
        if patience is None or not rows:
            return False
        return bool(rows[-1]["epoch"] - best_row(rows)["epoch"] >= patience)

    @property
    def class_weights(self) -> np.ndarray | None:
        """What each class counts in the loss, `(classes,)` float32; None if all count the same."""
        if self.settings.class_weights == "none":
            return None
        images = self.train.images
        return class_weights.balanced(images.labels, len(images.label_names))

    def variables(self) -> list[keras.Variable]:
        """Returns all that training changes: weights, seeds, optimizer and metrics."""
        network, trained = self.network.model, self.model
        return [*network.variables, *trained.optimizer.variables, *trained.metrics_variables]

    def restore(self, checkpoint: Checkpoint, source: str) -> None:
        """Restores weights, optimizer and metrics; raises `DlcvError` if they do not fit."""
        checkpoints.restore(checkpoint, self.variables(), source)


def best_epochs(rows: list[dict[str, float]]) -> set[int]:
    """Returns the best epoch of each stage."""
    stages = itertools.groupby(rows, key=lambda row: row["stage"])
    return {int(best_row(list(group))["epoch"]) for _, group in stages}
