"""`dlcv finetune`: a trained body, a new head, two stages."""

from pathlib import Path
from typing import Any

import click

from dlcv.api import (
    RunConfig,
    SplitConfig,
    StageConfig,
    config_options,
    directory_options,
    with_verbosity,
)
from dlcv_plugins.devices.options import device_options


@click.command(
    epilog="""\b
Examples:
  dlcv finetune --data flowers/
  dlcv finetune --data flowers/ --base runs/pets
  dlcv finetune --data flowers/ --base vgg16 --weights imagenet
  dlcv finetune --data flowers/ --base vgg16 --weights imagenet --trainable 15: --epochs 20
  dlcv finetune --data flowers/ --base resnet18 --weights runs/tiny-imagenet --head gap_head
"""
)
@config_options(RunConfig, "data")
@click.option(
    "--base",
    metavar="SPEC|RUN",
    help="The network whose body is used; or a run, with its weights and preprocessors.  "
    "[default: the smallest network whose weights are installed]",
)
@click.option(
    "--weights",
    help="The body's weights: imagenet, or a run or a file (.weights.h5, .keras, .pth, "
    ".safetensors).  [default: imagenet where there is, or the run's]",
)
@click.option("--head", metavar="SPEC", help="The new classifier.  [default: fc_head]")
@click.option(
    "--head-epochs",
    type=click.IntRange(min=1),
    help="Epochs of the head alone, on the frozen body.  [default: 15]",
)
@click.option(
    "--epochs", type=click.IntRange(min=1), help="Epochs of what is trainable.  [default: 5]"
)
@click.option(
    "--learning-rate",
    type=click.FloatRange(min=0, min_open=True),
    help="The head's; afterwards a tenth of it.  [default: 0.003]",
)
@config_options(StageConfig, "trainable")
@config_options(RunConfig, "preprocessors", "input_size", "batch_size")
@config_options(SplitConfig, "test", "validation", "train_validation", "small_classes", "groups")
@config_options(RunConfig, "fraction", "precision", "seed", "threads", "bad_images")
@directory_options
@device_options
@with_verbosity
def finetune(
    base: str | None, weights: str | None, name: str | None, runs: Path, force: bool, **options: Any
) -> None:
    """Train a new head on the body of a trained network, then go on with the body."""
    from dlcv.api import finish
    from dlcv.api import run as train
    from dlcv_plugins.commands.finetune.configuration import fine_tuning

    own = ("head", "head_epochs", "epochs", "learning_rate", "trainable")
    chosen = {key: options.pop(key) for key in own}
    config = fine_tuning(base, weights, **{k: v for k, v in chosen.items() if v is not None})
    finish(train(config, name=name, runs=runs, force=force, **options))
