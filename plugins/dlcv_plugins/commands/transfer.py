"""`dlcv transfer`: a classifier on the features that a trained body extracts, in one go."""

from pathlib import Path
from typing import Any

import click

from dlcv.api import RunConfig, SplitConfig, config_options, directory_options, with_verbosity


def body_options(command: Any) -> Any:
    """Gives a command `--base`, `--weights` and `--layer`: where features come from."""
    for option in (
        click.option("--layer", help="The layer whose output to take.  [default: the body's last]"),
        click.option(
            "--weights",
            help="The body's weights: imagenet, or a run or a file (.weights.h5, .keras, .pth, "
            ".safetensors).  [default: imagenet where there is, or the run's]",
        ),
        click.option(
            "--base",
            metavar="SPEC|RUN",
            help="The network whose body is used; or a run, with its weights and preprocessors.  "
            "[default: the smallest network whose weights are installed]",
        ),
    ):
        command = option(command)
    return command


@click.command(
    epilog="""\b
Examples:
  dlcv transfer --data flowers/
  dlcv transfer --base vgg16 --data flowers/
  dlcv transfer --base resnet50 --layer avg_pool --batch-size 16 --data pets/
  dlcv transfer --base runs/tiny-imagenet --data flowers/ --classifier linear_svm
  dlcv transfer --base vgg16 --data flowers/ --classifier "logistic_regression(C=(0.01, 0.1, 1))"

To try several classifiers on the same features: dlcv extract, then dlcv fit
"""
)
@body_options
@config_options(RunConfig, "data")
@click.option(
    "--classifier", metavar="SPEC", help="What is fitted.  [default: logistic_regression]"
)
@config_options(RunConfig, "preprocessors", "input_size", "batch_size")
@config_options(SplitConfig, "test", "validation", "train_validation", "small_classes", "groups")
@config_options(RunConfig, "fraction", "evaluators", "precision", "seed", "threads", "bad_images")
@directory_options
@with_verbosity
def transfer(
    base: str | None,
    weights: str | None,
    layer: str | None,
    classifier: str | None,
    name: str | None,
    runs: Path,
    force: bool,
    **options: Any,
) -> None:
    """Fit a classifier to the features that a trained network extracts from images."""
    from dlcv.api import finish
    from dlcv_plugins.trainers.features.configuration import CLASSIFIER
    from dlcv_plugins.trainers.features.transfer import transfer as fit_to_body

    run = fit_to_body(
        base,
        weights=weights,
        layer=layer,
        classifier=classifier or CLASSIFIER,
        name=name,
        runs=runs,
        force=force,
        **options,
    )
    finish(run)
