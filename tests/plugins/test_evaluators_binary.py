"""Scores of two classes, against scikit-learn, SciPy and small cases counted by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_predictions import predictions, random_predictions
from scipy import stats
from sklearn import metrics

from dlcv.errors import DlcvError
from dlcv_plugins.evaluators.binary_scores import BinaryScores, _resampled
from dlcv_plugins.evaluators.intervals import wilson


def scored(scores, labels):
    scores = np.asarray(scores, float)
    return predictions(np.stack([1 - scores, scores], axis=1), labels)


def test_by_hand():
    found = BinaryScores().evaluate(scored([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]))
    # Of the four pairs of a cat and a dog, three are in the right order.
    assert found.metrics["roc_auc"] == pytest.approx(0.75)
    assert found.metrics["average_precision"] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert found.metrics["mean_squared_error"] == pytest.approx((0.01 + 0.16 + 0.4225 + 0.04) / 4)
    # At 0.1, 0.2 and 0.3 three are right, and so they are from 0.4 on: 0.5 is in the middle.
    assert found.metrics["threshold_accuracy"] == 0.75
    assert found.metrics["best_threshold"] == 0.5
    assert dict(found.tables["thresholds"].rows)[0.9] == 0.5


def test_the_best_threshold_may_be_far_from_the_middle():
    found = BinaryScores().evaluate(scored([0.62, 0.65, 0.75, 0.9], [0, 0, 1, 1]))
    assert found.metrics["best_threshold"] == 0.7
    assert found.metrics["threshold_accuracy"] == 1
    assert found.intervals["threshold_accuracy"] == wilson(4, 4)


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 80), st.integers(1, 30), st.integers(0, 10**6))
def test_it_agrees_with_scikit_learn_and_scipy(samples, levels, seed):
    rng = np.random.default_rng(seed)
    labels = np.append([0, 1], rng.integers(0, 2, samples - 2))
    given_ones = scored(rng.integers(0, levels + 1, samples) / levels, labels)
    scores = given_ones.combined[:, 1].astype(float)
    found = BinaryScores().evaluate(given_ones)
    expected = {
        "mean_squared_error": metrics.brier_score_loss(labels, scores),
        "roc_auc": metrics.roc_auc_score(labels, scores),
        "average_precision": metrics.average_precision_score(labels, scores),
        "correlation": stats.pearsonr(scores, labels)[0] if np.ptp(scores) else 0,
    }
    for name, value in expected.items():
        assert found.metrics[name] == pytest.approx(value, abs=1e-9)
        low, high = found.intervals[name]
        assert low <= found.metrics[name] <= high
    # What the bootstrap computes is the same, drawn once each or as scikit-learn weighs samples.
    drawn = rng.integers(0, 3, samples) + (np.arange(samples) < 2)
    fast = _resampled(scores, labels)
    names = ("mean_squared_error", "correlation", "roc_auc", "average_precision")
    all_once, by_chance = fast(np.stack([np.ones(samples, int), drawn]))
    assert all_once == pytest.approx([expected[n] for n in names], abs=1e-9)
    weighed = [
        metrics.brier_score_loss(labels, scores, sample_weight=drawn),
        metrics.roc_auc_score(labels, scores, sample_weight=drawn),
        metrics.average_precision_score(labels, scores, sample_weight=drawn),
    ]
    assert by_chance[[0, 2, 3]] == pytest.approx(weighed, abs=1e-9)


def test_intervals_by_bootstrap_are_as_wide_as_theory_says():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 400)
    scores = np.clip(rng.normal(0.4 + 0.2 * labels, 0.2), 0, 1)
    found = BinaryScores().evaluate(scored(scores, labels))
    auc = found.metrics["roc_auc"]
    # Hanley and McNeil, Radiology 143 (1982).
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    error = (auc * (1 - auc) + 399 * (q1 - auc**2) + 399 * (q2 - auc**2)) / 400**2
    low, high = found.intervals["roc_auc"]
    assert high - low == pytest.approx(2 * 1.96 * error**0.5, rel=0.1)


def test_curves_are_those_of_scikit_learn():
    found = BinaryScores().evaluate(scored([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]))
    (roc,) = found.drawings["roc"].lines.values()
    assert roc.tolist() == [[0, 0], [0, 0.5], [0.5, 0.5], [0.5, 1], [1, 1]]
    (curve,) = found.drawings["precision_recall"].lines.values()
    assert curve.tolist() == [[1, 0.5], [1, 2 / 3], [0.5, 0.5], [0.5, 1], [0, 1]]


def test_a_network_that_says_the_same_of_everything_has_correlation_0(recwarn):
    found = BinaryScores().evaluate(scored([0.3] * 5, [0, 1, 0, 1, 1]))
    assert found.metrics["correlation"] == 0
    assert found.metrics["roc_auc"] == 0.5
    assert list(recwarn) == []


def test_a_network_that_diverged_gets_no_credit():
    found = BinaryScores().evaluate(scored([np.nan] * 4, [0, 0, 1, 1])).metrics
    assert found["mean_squared_error"] == 1
    assert found["correlation"] == pytest.approx(-1)
    assert found["roc_auc"] == 0
    half = BinaryScores().evaluate(scored([np.nan, 0.1, np.nan, 0.9], [0, 0, 1, 1])).metrics
    assert half["mean_squared_error"] == pytest.approx(0.505)


def test_samples_of_one_class_have_no_curves():
    found = BinaryScores().evaluate(scored([0.3, 0.8], [1, 1]))
    assert set(found.metrics) == {"mean_squared_error", "threshold_accuracy", "best_threshold"}
    assert found.drawings == {}


@pytest.mark.parametrize("classes", [3, 100])
def test_other_than_two_classes_are_refused(classes):
    with pytest.raises(DlcvError, match=f"takes two classes, and there are {classes}; use rank"):
        BinaryScores().evaluate(random_predictions(9, classes, seed=0))
