"""Kappa keeps dlcv's rules and equals scikit-learn's."""

import numpy as np
import pytest
from dlcv_kappa import Kappa
from sklearn.metrics import cohen_kappa_score

from dlcv.errors import DlcvError
from dlcv.interfaces import Predictions
from dlcv.testing import conformance

WEIGHTS = ("none", "linear", "quadratic")
test_rules_are_kept = conformance(Kappa())
test_rules_are_kept_with_weights = conformance(Kappa(weights="quadratic"))


def predictions(labels, predicted, classes):
    """Returns the predictions of a network that is sure."""
    return Predictions(
        np.eye(classes, dtype=np.float32)[np.array(predicted)][np.newaxis],
        np.array(labels),
        tuple(map(str, range(classes))),
        tuple(map(str, range(len(labels)))),
    )


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("seed", range(5))
def test_it_equals_scikit_learn(weights, seed):
    """On labels that are right in half of the cases, of five classes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 5, 80)
    predicted = np.where(rng.random(80) < 0.5, labels, rng.integers(0, 5, 80))
    expected = cohen_kappa_score(
        labels, predicted, labels=range(5), weights=None if weights == "none" else weights
    )
    found = Kappa(weights=weights).evaluate(predictions(labels, predicted, 5))
    assert found.metrics["kappa"] == pytest.approx(expected, abs=1e-12)


def test_it_is_computed_by_hand():
    """Of 50 pairs of answers 20 and 15 agree, 0.7; by chance it would be 0.5 (Wikipedia's case)."""
    labels = [0] * 25 + [1] * 25
    predicted = [0] * 20 + [1] * 5 + [0] * 10 + [1] * 15
    found = Kappa().evaluate(predictions(labels, predicted, 2))
    assert found.metrics["kappa"] == pytest.approx(0.4)
    np.testing.assert_array_equal(found.drawings["kappa"].values, [[5, -5], [-5, 5]])


def test_the_largest_class_for_everything_scores_nothing():
    """Accuracy would be 90 %."""
    found = Kappa().evaluate(predictions([0] * 9 + [1], [0] * 10, 2))
    assert found.metrics["kappa"] == 0


def test_one_class_is_refused():
    """There is no chance to compare with."""
    with pytest.raises(DlcvError, match="leave kappa out"):
        Kappa().evaluate(predictions([0, 0], [0, 0], 2))
