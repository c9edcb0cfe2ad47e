"""Calibration, against Guo et al. (2017), scikit-learn, and bins filled by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_predictions import predictions
from sklearn.calibration import calibration_curve

from dlcv_plugins.evaluators.calibration import Calibration


def test_by_hand():
    # One of two is right with confidence 0.75, both with confidence 0.625.
    rows = [[0.75, 0.25], [0.75, 0.25], [0.375, 0.625], [0.375, 0.625]]
    given_ones = predictions(rows, [0, 1, 1, 1])
    found = Calibration().evaluate(given_ones)
    assert found.metrics == pytest.approx(
        {
            "expected_calibration_error": (0.25 + 0.375) / 2,
            "maximum_calibration_error": 0.375,
            "mean_confidence": 0.6875,
            "overconfidence": 0.6875 - 0.75,
        }
    )
    expected = [(9 / 15, 10 / 15, 2, 0.625, 1), (11 / 15, 12 / 15, 2, 0.75, 0.5)]
    rows = found.tables["calibration"].rows
    assert [list(row) for row in rows] == [pytest.approx(list(row)) for row in expected]


def test_errors_are_weighted_by_the_samples_of_their_bins():
    # Three samples 0.1 apart, one 0.9 apart.
    given_ones = predictions([[0.1, 0.9]] * 4, [1, 1, 1, 0])
    given_ones.probabilities[0, 3] = [0.3, 0.7]
    found = Calibration().evaluate(given_ones).metrics
    assert found["expected_calibration_error"] == pytest.approx((3 * 0.1 + 0.7) / 4)
    assert found["maximum_calibration_error"] == pytest.approx(0.7)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 300), st.integers(2, 8), st.integers(0, 10**6))
def test_it_agrees_with_scikit_learn_and_the_formula(samples, classes, seed):
    rng = np.random.default_rng(seed)
    given_ones = predictions(
        rng.dirichlet(np.full(classes, 0.4), samples), rng.integers(0, classes, samples)
    )
    found = Calibration().evaluate(given_ones)
    confidence = given_ones.combined.max(axis=1).astype(float)
    right = given_ones.combined.argmax(axis=1) == given_ones.labels
    accuracies, confidences = calibration_curve(right, confidence, n_bins=15, pos_label=True)
    line = found.drawings["reliability"].lines["this network"]
    np.testing.assert_allclose(line, np.stack([confidences, accuracies], axis=1), atol=1e-12)
    error = 0
    for m in range(1, 16):
        inside = ((m - 1) / 15 < confidence) & (confidence <= m / 15)
        if inside.any():
            gap = abs(right[inside].mean() - confidence[inside].mean())
            error += inside.sum() / samples * gap
    assert found.metrics["expected_calibration_error"] == pytest.approx(error)
    assert found.drawings["reliability"].has_diagonal


@pytest.mark.parametrize("lost", [[np.nan, np.nan], [0.9, np.nan], [np.inf, 0]])
def test_a_network_that_diverged_gets_no_credit(lost):
    found = Calibration().evaluate(predictions([lost] * 3, [0, 0, 1])).metrics
    assert found["expected_calibration_error"] == found["overconfidence"] == 1
    half = Calibration().evaluate(predictions([lost, [0.9, 0.1]], [0, 0])).metrics
    assert half["expected_calibration_error"] == pytest.approx((1 + 0.1) / 2)
