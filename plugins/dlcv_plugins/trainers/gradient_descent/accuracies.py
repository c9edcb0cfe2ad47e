"""Accuracies for advice: on what a network was trained on, measured as on the validation images."""

from typing import TYPE_CHECKING

import numpy as np

from dlcv.api import Experiment, Loader, Subset, predict_labelled
from dlcv.interfaces import LabelledImages, Predictions

if TYPE_CHECKING:
    import keras

MEASURED = 2000
"""Images that an accuracy for advice is measured on at most; more would cost minutes."""


def measured_accuracies(
    experiment: Experiment, model: "keras.Model"
) -> dict[str, dict[str, float]]:
    """Returns a network's accuracy on what it was trained on, and on the train-validation images.

    It is measured as on the validation images: in inference mode, without augmentation. While
    training, augmentation, mixed labels and dropout make it lower.

    Args:
        experiment: The run's data and preprocessors.
        model: The trained network.

    Returns:
        `{"train": {"accuracy": 0.98, "images": 2000}}`, by split: on all images, or on a random
        sample of 2,000.
    """
    found: dict[str, dict[str, float]] = {}
    for name in ("train", "train_val"):
        if name in experiment.data.splits:
            images = _sample(experiment.data.splits[name], experiment.config.seed)
            loader = Loader(
                images,
                experiment.pipeline,
                batch_size=experiment.config.batch_size,
                threads=experiment.config.threads or 1,
            )
            predictions = predict_labelled(model, loader)
            found[name] = {"accuracy": _accuracy(predictions), "images": len(images)}
    return found


def _sample(images: LabelledImages, seed: int) -> LabelledImages:
    if len(images) <= MEASURED:
        return images
    chosen = np.random.default_rng(seed).choice(len(images), MEASURED, replace=False)
    return Subset(images, np.sort(chosen))


def _accuracy(predictions: Predictions) -> float:
    """Returns the share of samples that are predicted correctly; what is no number is wrong."""
    probabilities = predictions.combined
    right = probabilities.argmax(axis=1) == predictions.labels
    return float((right & np.isfinite(probabilities).all(axis=1)).mean())
