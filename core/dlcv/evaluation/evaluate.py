"""Running evaluators on predictions."""

from typing import Any

import attrs

from dlcv.errors import DlcvError
from dlcv.interfaces import Evaluation, Evaluator, Predictions

SHARED = {"rank1", "largest_class"}
"""Metrics that `rank` always tells, so that they may come twice."""


def evaluate(predictions: Predictions, evaluators: list[Evaluator]) -> Evaluation:
    """Returns what all evaluators found, together.

    Raises:
        DlcvError: there is nothing to evaluate, or two evaluators give the same metric.
    """
    if not len(predictions.labels):
        raise DlcvError("there are no images to evaluate with")
    together = Evaluation({})
    for evaluator in evaluators:
        found = evaluator.evaluate(predictions)
        if twice := set(found.metrics) & set(together.metrics) - SHARED:
            raise DlcvError(f"two evaluators give the metric {', '.join(sorted(twice))}")
        together.metrics.update(found.metrics)
        together.tables.update(found.tables)
        together.drawings.update(found.drawings)
        together.intervals.update(found.intervals)
    return together


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """Returns metrics, their intervals, and tables as JSON has them."""
    tables = {name: attrs.asdict(table) for name, table in evaluation.tables.items()}
    return {
        "metrics": evaluation.metrics,
        "intervals": evaluation.intervals,
        "tables": tables,
    }
