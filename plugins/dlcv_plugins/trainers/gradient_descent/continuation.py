"""Training by hand: a run continues with other settings, as a new stage."""

import logging
import shutil
from pathlib import Path
from typing import Any

import attrs

from dlcv import files, registry
from dlcv.api import Run, RunConfig, RunDirectory, StageConfig, changed_stage
from dlcv.errors import DlcvError, suggestion
from dlcv.interfaces import OptionError, evolve, options_of

logger = logging.getLogger(__name__)
OPTIONS = tuple(
    name for name in (*options_of(StageConfig), "learning_rate") if name != "stop_after"
)
"""What a new stage may have other than the one before."""


@attrs.frozen
class Continuation:
    """How a run continues.

    Attributes:
        config: Its configuration with the new stage.
        checkpoint: The checkpoint that it continues from.
        old_rate: The learning rate of the last epoch before; None before the first has ended.
        new_stage: The number of the new stage, from 0.
        half_done: The epoch that has begun and is trained to its end first; 0 for none.
    """

    config: RunConfig
    checkpoint: Path
    old_rate: float | None
    new_stage: int
    half_done: int

    @classmethod
    def plan(cls, run: Run, from_epoch: int | None, changes: dict[str, Any]) -> "Continuation":
        """Decides how a run continues, and changes nothing.

        The stage under way is cut after the epoch that is done, or after the one that has begun,
        which is trained to its end with the settings so far: so the configuration can be run again.
        A stage that has not begun, or has no checkpoint, gets the new settings itself.

        Args:
            run: The run.
            from_epoch: The epoch to go back to; None to continue from where it is.
            changes: Options of the new stage, and its learning rate; the rest is as before.

        Raises:
            DlcvError: a value is wrong, there is no checkpoint of that epoch, or all epochs
                are trained and no number of further ones is given.
        """
        from dlcv.api import checkpoints

        _refuse_unknown(changes)
        folder = run.directory.checkpoints
        if run.finished and from_epoch is None:
            newest = checkpoints.load_last(folder, "continue from an earlier one: --from-epoch")
        else:
            newest = checkpoints.load_newest(folder)
        if newest is None:
            raise DlcvError(f"{run.path} has no checkpoint yet; start a new run")
        checkpoint, path = newest
        begun = checkpoint.position.stage + checkpoint.position.is_within_stage
        if from_epoch is not None:
            checkpoint, path = checkpoints.load_epoch(folder, from_epoch)
        position, stages = checkpoint.position, run.config.stages
        planned = stages[max(begun, position.stage + 1) :]
        done, base, left = stages[: position.stage], stages[-1], 0
        if position.stage < len(stages):
            base = stages[position.stage]
            at = position.epoch + bool(position.batch)
            left = base.last_epoch - at
            done = (*done, _cut(base, at)) if at else done
        new = _new_stage(base, left, changes)
        config = evolve(run.config, stages=(*done, new, *planned))
        rate = checkpoint.history[-1]["learning_rate"] if checkpoint.history else None
        half_done = checkpoint.epochs + 1 if position.batch else 0
        return cls(config, path, rate, len(done), half_done)

    def begin(self, directory: RunDirectory, environment: dict[str, Any]) -> None:
        """Makes the run one that is under way, with the new stage still to come.

        Whenever it is stopped in between, the run can be resumed: first it is unfinished, then back
        at the checkpoint, and last it has the new configuration.
        """
        # The combined results of a member's whole run are no longer true either.
        for changed in (directory, directory.whole):
            results = [changed.path / name for name in ("metrics.json", "report.html")]
            for path in (*results, changed.predictions, changed.model):
                path.unlink(missing_ok=True)
            for folder in (changed.cached_predictions, changed.evaluation):
                shutil.rmtree(folder, ignore_errors=True)
        remove_newer(self.checkpoint)
        directory.write_json("environment", environment)
        files.write_atomically(directory.config, self.config.to_toml())

    def log(self) -> None:
        """Logs the stage to come, with the old rate and the new one."""
        from dlcv_plugins.training.compiling import initial_rate

        if self.half_done:
            logger.info(
                "epoch %d has begun, and is trained to its end with the settings so far",
                self.half_done,
            )
        stage = self.config.stages[self.new_stage]
        old = "" if self.old_rate is None else f" (so far {self.old_rate:.3g})"
        logger.info(
            "stage %d: %d %s with %s, %s, learning rate %.3g%s",
            self.new_stage + 1,
            stage.epochs,
            "epoch" if stage.epochs == 1 else "epochs",
            stage.optimizer,
            stage.schedule,
            initial_rate(stage.optimizer),
            old,
        )


def remove_newer(checkpoint: Path) -> None:
    """Removes the checkpoints that came after one, the newest first."""
    from dlcv.api import checkpoints

    for path in checkpoints.newest_first(checkpoint.parent):
        if path.name == checkpoint.name:
            break
        path.unlink()


def _refuse_unknown(changes: dict[str, Any]) -> None:
    for name in changes:
        if name not in OPTIONS:
            hint = suggestion(name, OPTIONS) or f"; it may have other {', '.join(OPTIONS)}"
            raise DlcvError(f'dlcv resume has no option "{name}"{hint}')


def _cut(stage: StageConfig, epochs: int) -> StageConfig:
    """Returns a stage that ends after some epochs, with the weights that it has then."""
    if epochs >= stage.last_epoch:
        return stage
    return evolve(stage, stop_after=epochs, early_stopping=None)


def _new_stage(base: StageConfig, left: int, changes: dict[str, Any]) -> StageConfig:
    """Returns a stage as another, with the epochs that are left of it, but for some options."""
    if "epochs" not in changes and not left:
        raise DlcvError("all epochs are trained; set how many to add: --epochs 10")
    try:
        stage = changed_stage(base, **{"epochs": left, **changes})
        schedule = registry.create("schedule", stage.schedule)
        return evolve(stage, stop_after=None, schedule=registry.spec_of(schedule))
    except OptionError as error:
        raise DlcvError(f"{error.option}: {error.problem}") from None
