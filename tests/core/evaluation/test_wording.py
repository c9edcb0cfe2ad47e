"""Figures as people read them."""

import pytest

from dlcv.evaluation.wording import doubts, metric_rows
from dlcv.interfaces import Evaluation


@pytest.mark.parametrize(
    ("name", "value", "interval", "expected"),
    [
        ("rank1", 0.98328, (0.964, 0.9924), (" 98.33 %", "96.4 to 99.2 %")),
        ("rank10", 1.0, None, ("100.00 %", "")),
        ("ensemble_rank1", 0.5, None, (" 50.00 %", "")),
        ("threshold_accuracy", 0.05, None, ("  5.00 %", "")),
        ("largest_class", 0.1031, None, (" 10.31 %", "")),
        ("ranking", 0.25, (0.2, 0.3), ("0.2500", "0.2000 to 0.3000")),
        ("roc_auc", 0.75, None, ("0.7500", "")),
        ("overconfidence", -0.5, (-0.75, 0.0), ("-0.5000", "-0.7500 to 0.0000")),
    ],
)
def test_accuracies_are_told_in_percent_and_others_as_they_are(name, value, interval, expected):
    intervals = {name: interval} if interval else {}
    assert metric_rows(Evaluation({name: value}, intervals=intervals)) == [(name, *expected)]


@pytest.mark.parametrize(
    ("low", "guess", "count"), [(0.51, 0.5, 0), (0.5, 0.5, 1), (0.3, 0.5, 1), (0.3, None, 0)]
)
def test_what_guessing_does_as_well_is_in_doubt(low, guess, count):
    metrics = {"rank1": 0.6} | ({} if guess is None else {"largest_class": guess})
    found = doubts(Evaluation(metrics, intervals={"rank1": (low, 0.7)}))
    assert len(found) == count
    assert doubts(Evaluation(metrics)) == []
