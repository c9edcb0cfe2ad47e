"""Training in stages, one after the other; from the start, or on from a checkpoint."""

from pathlib import Path

import attrs
import keras

from dlcv.config import StageConfig
from dlcv.data.loader import Loader
from dlcv.interfaces import Schedule
from dlcv.training import checkpoints
from dlcv.training.checkpoints import Checkpoint, Position
from dlcv.training.history import History
from dlcv.training.interruption import Interruption
from dlcv.training.network import Network
from dlcv.training.snapshots import snapshot_epochs
from dlcv.training.stage import StageTraining


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
            steps = StageTraining.of(self, stage).run(position, checkpoint, source)
            position, checkpoint = Position(stage=stage + 1, step=steps), None
            taken = checkpoints.take(variables, position, self.history.rows)
            checkpoints.save(self.folder, taken, self.snapshots())

    def snapshots(self) -> list[int]:
        """Returns the epochs so far that ended a cycle, counted over all stages."""
        return snapshot_epochs(self.stages, self.schedules, self.history.rows)
