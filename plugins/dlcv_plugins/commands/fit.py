"""`dlcv fit`: a classifier on features that were extracted before."""

from pathlib import Path
from typing import Any

import click

from dlcv.api import RunConfig, config_options, directory_options, with_verbosity


@click.command(
    epilog="""\b
Examples:
  dlcv fit features/
  dlcv fit features/ --classifier "logistic_regression(C=(0.1, 1, 10, 100, 1000, 10000))"
  dlcv fit features/ --classifier "random_forest(trees=500)" --name forest

Classifiers and their options: dlcv plugins list classifier, dlcv plugins show NAME
"""
)
@click.argument("features", type=Path)
@click.option(
    "--classifier", metavar="SPEC", help="What is fitted.  [default: logistic_regression]"
)
@config_options(RunConfig, "evaluators", "threads")
@directory_options
@with_verbosity
def fit(features: Path, name: str | None, runs: Path, force: bool, **options: Any) -> None:
    """Fit a classifier to extracted features; the result is a run, which predicts from images."""
    from dlcv.api import finish
    from dlcv_plugins.trainers.features.transfer import fit as fit_to

    finish(fit_to(features, name=name, runs=runs, force=force, **options))
