"""Wrong evaluators."""

from collections.abc import Callable

import numpy as np

from dlcv.errors import DlcvError
from dlcv.interfaces import Curves, Evaluation, Evaluator, Matrix, Table, plugin


def evaluator(function):
    """Returns what makes an evaluator that does what `function(predictions)` does."""
    body = {
        "__doc__": "Does what a test wants.",
        "evaluate": lambda self, predictions: function(predictions),
    }
    return lambda: plugin(type("Called", (Evaluator,), body))()


def finding(*found, **more):
    """Returns what makes an evaluator that always finds the same."""
    return evaluator(lambda predictions: Evaluation(*found, **more))


def refuse(predictions):
    raise DlcvError("needs more members")


def sort(predictions):
    predictions.probabilities.sort(axis=2)
    return Evaluation({"mean": float(predictions.combined.mean())})


def first_half(predictions):
    half = len(predictions.labels) // 2
    right = predictions.combined.argmax(axis=1) == predictions.labels
    return Evaluation({"first_half": float(right[:half].mean())})


def table(*row):
    return finding({}, {"counts": Table("Counts", ("class", "n"), (row,))})


def drawing(drawn):
    return finding({}, drawings={"drawing": drawn})


METRICS, TABLES = {"metrics_are_finite_numbers", ...}, {"tables_fit_json"}
DRAWINGS, INTERVALS = {"drawings_can_be_drawn"}, {"intervals_hold_their_metrics"}
UNITS = {"units_fit_their_metrics"}
WRONG: dict[str, tuple[Callable, set]] = {
    "refuses everything": (evaluator(refuse), {"predictions_stay_unchanged", ...}),
    "changes the predictions": (evaluator(sort), {"predictions_stay_unchanged"}),
    "random": (
        evaluator(lambda p: Evaluation({"luck": float(np.random.default_rng().random())})),
        {"same_predictions_same_figures", "order_of_samples_changes_no_figure"},
    ),
    "of the order": (evaluator(first_half), {"order_of_samples_changes_no_figure"}),
    "not a number": (finding({"metric": float("nan")}), METRICS),
    "NumPy's number": (finding({"metric": np.float32(1)}), METRICS),
    "a word": (finding({"metric": "high"}), METRICS),
    "true": (finding({"metric": True}), METRICS),
    "NumPy's number in a table": (table(1, np.int64(2)), TABLES),
    "not a number in a table": (table(1, float("nan")), TABLES),
    "a row that is too short": (table(1), TABLES),
    "points without y": (drawing(Curves("Curve", "x", "y", {"a": np.zeros(3)})), DRAWINGS),
    "points that are words": (
        drawing(Curves("Curve", "x", "y", {"a": np.full((3, 2), "x")})),
        DRAWINGS,
    ),
    "matrix of other classes": (
        drawing(Matrix("Matrix", "true", "predicted", ("a", "b"), np.eye(3))),
        DRAWINGS,
    ),
    "interval beside its metric": (
        finding({"mean": 0.5}, intervals={"mean": (0.6, 0.7)}),
        INTERVALS,
    ),
    "interval of nothing": (finding({"mean": 0.5}, intervals={"other": (0.0, 1.0)}), INTERVALS),
    "unit of nothing": (finding({"mean": 0.5}, units={"other": "%"}), UNITS),
    "another unit": (finding({"mean": 0.5}, units={"mean": "s"}), UNITS),
    "more than all in percent": (finding({"mean": 50.0}, units={"mean": "%"}), UNITS),
}
