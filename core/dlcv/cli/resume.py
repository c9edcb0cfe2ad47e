"""`dlcv resume`: continue a run that was stopped, or train it with other settings."""

from pathlib import Path
from typing import Any

import click

from dlcv.cli.console import with_verbosity
from dlcv.cli.options import added_options, config_options
from dlcv.config import StageConfig


@click.command(
    epilog="""\b
Examples:
  dlcv resume runs/latest
  dlcv resume runs/latest --learning-rate 0.001 --epochs 10
  dlcv resume runs/latest --from-epoch 20 --learning-rate 0.001 --epochs 10
"""
)
@click.argument("run", type=Path)
@click.option("--learning-rate", type=float, help="The optimizer's learning rate.")
@config_options(StageConfig, "epochs", "optimizer", "schedule", "loss", defaults=False)
@config_options(StageConfig, "trainable", "batch_size", "early_stopping", defaults=False)
@config_options(StageConfig, "early_stopping_weights", "class_weights", defaults=False)
@config_options(StageConfig, "batch_statistics", defaults=False)
@click.option(
    "--from-epoch", type=click.IntRange(min=1), help="Go back to the end of this epoch first."
)
@added_options("resume")
@with_verbosity
def resume(run: Path, from_epoch: int | None, **options: Any) -> None:
    """Continue a run that was stopped, to the same result as if it had not been.

    With options, a new stage follows what is trained so far; options that are left out stay as they
    were. A finished run is trained further in this way, too; without options, it gets the files
    that a killed process left out, such as its report.
    """
    from dlcv.cli.run import finish
    from dlcv.runs.train import resume as go_on

    finish(go_on(run, from_epoch=from_epoch, **options))
