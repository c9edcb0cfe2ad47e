"""What a finished training leaves behind: predictions and figures."""

from collections.abc import Iterable

import attrs

from dlcv.evaluation.evaluate import Evaluated, as_json, evaluate_each, together
from dlcv.evaluation.predict import save_predictions
from dlcv.interfaces import Evaluator, Predictions
from dlcv.runs.directory import RunDirectory


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
    **others: object,
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
