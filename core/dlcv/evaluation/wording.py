"""Figures as people read them."""

import re

from dlcv.interfaces import Evaluation

Interval = tuple[float, float]
ACCURACY = re.compile(r"(.*_)?(rank\d+|accuracy)|largest_class")
"""Names of metrics that are shares of the samples, which are told in percent."""


def metric_rows(evaluation: Evaluation) -> list[tuple[str, str, str]]:
    """Returns each metric's name, value and 95 % interval; accuracies in percent."""
    return [
        (name, *metric_text(name, value, evaluation.intervals.get(name)))
        for name, value in evaluation.metrics.items()
    ]


def metric_text(name: str, value: float, interval: Interval | None = None) -> tuple[str, str]:
    """Returns a metric's value and its interval as text, such as `98.33 %` and `96.4 to 99.2 %`."""
    low, high = interval or (value, value)
    if ACCURACY.fullmatch(name):
        shown, between = f"{100 * value:6.2f} %", f"{100 * low:.1f} to {100 * high:.1f} %"
    else:
        shown, between = f"{value:.4f}", f"{low:.4f} to {high:.4f}"
    return shown, between if interval else ""


def doubts(evaluation: Evaluation) -> list[str]:
    """Returns why figures may be worth less than they seem, a sentence each."""
    guess, interval = evaluation.metrics.get("largest_class"), evaluation.intervals.get("rank1")
    if guess is None or interval is None or interval[0] > guess:
        return []
    return [
        f"always answering the largest class is right in {100 * guess:.2f} %, and rank-1 is not "
        f"clearly above that: its 95 % interval begins at {100 * interval[0]:.1f} %"
    ]
