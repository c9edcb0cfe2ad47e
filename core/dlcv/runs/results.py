"""What a finished training leaves behind: predictions, figures, and accuracies for advice."""

from collections.abc import Iterable
from typing import Any

import attrs
import numpy as np

from dlcv.data.loader import Loader
from dlcv.data.subset import Subset
from dlcv.evaluation.evaluate import Evaluated, as_json, evaluate_each, together
from dlcv.evaluation.predict import Network, predict_labelled, save_predictions
from dlcv.interfaces import Evaluator, LabelledImages, Predictions
from dlcv.runs.directory import RunDirectory
from dlcv.runs.experiment import Experiment

MEASURED = 2000
"""Images that an accuracy for advice is measured on at most; more would cost minutes."""


@attrs.frozen(eq=False)
class Results:
    """What was found about a run, so that its report needs nothing computed twice.

    Attributes:
        predictions: The network's predictions for the held-out images.
        evaluated: What each of the run's evaluators found.
    """

    predictions: Predictions
    evaluated: tuple[Evaluated, ...]


def write_results(
    directory: RunDirectory,
    predictions: Predictions,
    evaluators: Iterable[Evaluator],
    *,
    split: str,
    seconds: float,
    **others: Any,
) -> Results:
    """Writes `predictions.npz` and, last, `metrics.json`, which makes a run a finished one.

    Each evaluator runs once.

    Args:
        directory: The run's directory.
        predictions: For the held-out images.
        evaluators: The run's.
        split: The split that was held out.
        seconds: How long the training took, of all members.
        others: What else `metrics.json` holds, by key.

    Raises:
        DlcvError: an evaluator can't use the predictions, or two give one metric two values.
    """
    save_predictions(directory.predictions, predictions)
    evaluated = evaluate_each(predictions, evaluators)
    content = {
        "split": split,
        "images": len(predictions.labels),
        "training_seconds": round(seconds, 1),
        **others,
        **as_json(together(evaluated)),
    }
    directory.write_json("metrics", content)
    return Results(predictions, evaluated)


def measured_accuracies(experiment: Experiment, model: Network) -> dict[str, dict[str, float]]:
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
