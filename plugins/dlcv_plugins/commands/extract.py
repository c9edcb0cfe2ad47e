"""`dlcv extract`: the features of images that a trained body extracts, into a folder."""

import shlex
from pathlib import Path
from typing import Any

import click

from dlcv.api import (
    RunConfig,
    SplitConfig,
    config_options,
    printed_alone,
    table,
    with_verbosity,
)
from dlcv_plugins.commands.transfer import body_options
from dlcv_plugins.executors.option import on_option


@click.command(
    epilog="""\b
Examples:
  dlcv extract --base vgg16 --weights imagenet --data flowers/ --out features/
  dlcv extract --base resnet50 --layer avg_pool --data pets/ --out features/
  dlcv extract --base runs/tiny-imagenet --data flowers/ --out features/

What was stopped goes on where it stopped, by the same command.
"""
)
@body_options
@config_options(RunConfig, "data")
@click.option("--out", required=True, type=Path, help="The folder to write.")
@config_options(RunConfig, "preprocessors", "input_size", "batch_size")
@config_options(SplitConfig, "test", "validation", "train_validation", "small_classes", "groups")
@config_options(RunConfig, "fraction", "precision", "seed", "threads", "bad_images")
@click.option("--force", is_flag=True, help="Replace a folder of features, or begin anew.")
@on_option
@with_verbosity
def extract(base: str | None, out: Path, **options: Any) -> None:
    """Write the features that a trained network extracts from images, to fit classifiers to.

    There is a file a split, with `features` (a row an image, in random order), `labels`,
    `label_names`, `indices` and `sample_ids`.
    """
    from dlcv_plugins.trainers.features.transfer import extract as extract_features

    features = extract_features(base, out, **options)
    if printed_alone(str(out)):
        return
    about = features.about
    sizes = [(n, len(s), f"{s.values.nbytes / 1e6:,.1f}") for n, s in features.splits.items()]
    click.echo(f"\nfeatures  {about['features']:,} an image, of {about['layer']}")
    click.echo(table(("split", "images", "MB"), sizes))
    quoted = shlex.quote(str(out))
    click.echo(f"\nfit       dlcv fit {quoted}")
    click.echo(f"other     dlcv fit {quoted} --classifier linear_svm")
