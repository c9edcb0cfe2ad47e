"""The results of a training: predictions for held-out images, and the figures on them."""

from collections.abc import Sequence
from typing import Any

from dlcv.evaluation.evaluate import as_json, evaluate
from dlcv.evaluation.predict import save_predictions
from dlcv.interfaces import Evaluator, Predictions
from dlcv.runs.directory import RunDirectory


def write_results(
    directory: RunDirectory,
    predictions: Predictions,
    evaluators: Sequence[Evaluator],
    *,
    split: str,
    seconds: float,
    **others: Any,
) -> None:
    """Writes `predictions.npz` and, last, `metrics.json`, which makes a run a finished one.

    Args:
        directory: The run's directory.
        predictions: The predictions for the held-out images.
        evaluators: The run's evaluators.
        split: The name of the split that was held out.
        seconds: How long the training took.
        others: What else `metrics.json` holds, by name.

    Raises:
        DlcvError: two evaluators give the same metric.
    """
    save_predictions(directory.predictions, predictions)
    content = {
        "split": split,
        "images": len(predictions.labels),
        "training_seconds": round(seconds, 1),
        **others,
        **as_json(evaluate(predictions, list(evaluators))),
    }
    directory.write_json("metrics", content)
