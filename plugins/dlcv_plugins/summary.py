"""What `dlcv run` prints about the figures of a finished run: accuracy, classes, confusions."""

import re
from typing import Any

from dlcv import hook
from dlcv.api import table
from dlcv.interfaces import is_validation
from dlcv_plugins.recorded_metrics import from_json

SHOWN_CLASSES = 20
"""More classes than these are left to `dlcv evaluate`."""

USUAL = re.compile(
    r"(ensemble_|members_)?rank\d+|largest_class|precision|recall|f1|ensemble_gain|"
    r"copies_in_training|accuracy_without_copies"
)
"""Metrics that the lines and tables of the usual evaluators have."""


@hook
def dlcv_summary(results: dict[str, Any], environment: dict[str, Any]) -> str:
    """Returns the accuracy, how far it can be trusted, and the tables of the usual evaluators."""
    tables = results["tables"]
    accuracy = _accuracy(results, is_validation(environment, results["split"]))
    parts = [f"accuracy  {accuracy}", *_certainty(results)]
    further = [row for row in from_json(results).rows() if not USUAL.fullmatch(row[0])]
    # Without a rank-1, the figures are in the first line.
    if further and "rank1" in results["metrics"]:
        parts.append("\n" + table(("metric", "value", "95 % interval"), further))
    if ensemble := tables.get("ensemble"):
        parts.append("\n" + table(ensemble["columns"], ensemble["rows"]))
    by_class = tables.get("by_class")
    if by_class and len(by_class["rows"]) <= SHOWN_CLASSES + 1:
        parts.append("\n" + table(by_class["columns"], by_class["rows"]))
    if confused := tables.get("most_confused"):
        parts.append("\nconfused most: " + _confusions(confused["rows"]))
    return "\n".join(parts)


def _accuracy(found: dict[str, Any], is_validation: bool) -> str:
    """Returns the accuracy in words: `98.33 % on the 359 held-out images of test (rank-5: 100 %)`.

    Args:
        found: What `metrics.json` has.
        is_validation: Whether the images were validated with, and so are not held out.
    """
    ranks = {k.removeprefix("rank"): v for k, v in found["metrics"].items() if k.startswith("rank")}
    if "1" not in ranks:
        return ", ".join(f"{name} {value:.4f}" for name, value in found["metrics"].items())
    others = ", ".join(f"rank-{k}: {100 * v:.2f} %" for k, v in ranks.items() if k != "1")
    which = "validation" if is_validation else "held-out"
    images = f"on the {found['images']} {which} images of {found['split']}"
    return f"{100 * ranks['1']:.2f} % {images}" + (f" ({others})" if others else "")


def _certainty(found: dict[str, Any]) -> list[str]:
    """Returns how far the accuracy can be trusted, in lines; none where it is not known."""
    evaluation = from_json(found)
    if "rank1" not in evaluation.intervals:
        return []
    _, between = evaluation.text("rank1")
    guess = evaluation.metrics.get("largest_class")
    beside = "" if guess is None else f"; always predicting the largest class: {100 * guess:.2f} %"
    line = f"interval  {between} with 95 % confidence{beside}"
    return [line, *(f"\nnote: {note}" for note in evaluation.notes)]


def _confusions(rows: list[tuple[str, str, int]]) -> str:
    """Returns pairs of classes in words: `8 taken for 1 (3 times)`."""
    return ", ".join(f"{true} taken for {predicted} ({n}x)" for true, predicted, n in rows)
