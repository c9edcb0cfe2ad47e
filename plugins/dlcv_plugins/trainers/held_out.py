"""Runs that leave their test images unseen, for comparing many of them, and the test at last."""

import shutil
from pathlib import Path
from typing import Any, Literal

import attrs

from dlcv import files
from dlcv.api import (
    Experiment,
    Observers,
    RunConfig,
    RunDirectory,
    Trained,
    load_trained,
    predict_labelled,
    record,
    write_results,
)
from dlcv.interfaces import evolve
from dlcv_plugins.groupings.training_copies import copies_in_training

HeldOut = Literal["test", "val"]
HELP = (
    "the images of the final figures: test where there are such, or val, so that the test images "
    "stay unseen, as in the trials of a search"
)
FIGURES = ("metrics.json", "predictions.npz", "predictions", "report.html", "evaluation", ".lock")
"""Of a run's files, those that tell about its held-out images, and its lock."""
KEPT = ("accuracies", "validation_accuracy", "fit")
"""Of what `metrics.json` has, what is the same whichever images are held out."""


def seen(experiment: Experiment) -> Experiment:
    """Returns an experiment without its test images if its trainer leaves them unseen."""
    if getattr(experiment.plugins.trainer, "held_out", "test") == "test":
        return experiment
    splits = {name: images for name, images in experiment.data.splits.items() if name != "test"}
    return attrs.evolve(experiment, data=attrs.evolve(experiment.data, splits=splits))


def copy_to_test(source: Path, directory: RunDirectory) -> None:
    """Copies a run that left its test images unseen, so that `test` can finish the copy.

    Args:
        source: The run; it stays as it is.
        directory: An empty directory.
    """
    ignored = shutil.ignore_patterns(*FIGURES)
    shutil.copytree(source, directory.path, ignore=ignored, dirs_exist_ok=True)
    config = evolve(RunConfig.load(directory.config), trainer=None)
    files.write_atomically(directory.config, config.to_toml())


def test(directory: RunDirectory, source: Path) -> Trained:
    """Tests what `copy_to_test` made on its test images, and writes its figures and report.

    Where the data has no test images, the figures are those of the validation images.

    Args:
        directory: The copy, which the caller has locked.
        source: The run that it is a copy of.

    Raises:
        DlcvError: the data is gone, or an image can't be read.
    """
    run: Any = load_trained(directory.path)
    experiment = Experiment.reopen(run.config, run.pipeline, run.groups)
    now, recorded = record.environment(experiment), directory.read_json("environment")
    directory.write_json("environment", {**recorded, "data": now["data"]})
    predictions = predict_labelled(run.network, experiment.loader(experiment.held_out))
    validated = RunDirectory(source).read_json("metrics")
    run.data = experiment.data
    run.results = write_results(
        directory,
        attrs.evolve(predictions, has_copy=copies_in_training(experiment)),
        experiment.plugins.evaluators,
        split=experiment.held_out,
        seconds=validated["training_seconds"],
        **{name: validated[name] for name in KEPT if name in validated},
    )
    Observers(run.config).finished(run)
    return run
