"""Checks of classifiers."""

from dlcv.interfaces import Plugin
from dlcv.testing import Check
from dlcv_plugins.kinds.classifier import Classifier


def checks(cls: type[Plugin]) -> tuple[Check, ...]:
    """Returns the checks for classifiers."""
    return (check_estimators_are_fresh, check_estimator_gives_probabilities)


def check_estimators_are_fresh(classifier: Classifier) -> None:
    """Each call gives an estimator of its own: it will be fitted."""
    assert classifier.estimator() is not classifier.estimator(), (
        f"{classifier} gives the same estimator twice; make a new one"
    )


def check_estimator_gives_probabilities(classifier: Classifier) -> None:
    """The estimator learns from float32 features and int64 labels, and gives probabilities."""
    import numpy as np

    labels = np.arange(90) % 3
    features = np.random.default_rng(0).normal(size=(90, 8)).astype(np.float32)
    features[np.arange(90), labels] += 4
    fitted = classifier.estimator().fit(features, labels)
    probabilities = fitted.predict_proba(features)
    assert probabilities.shape == (90, 3), f"the probabilities have shape {probabilities.shape}"
    assert np.allclose(probabilities.sum(axis=1), 1), "the probabilities do not sum to 1"
    accuracy = (probabilities.argmax(axis=1) == labels).mean()
    assert accuracy > 0.8, f"only {accuracy:.0%} of clearly separate samples are told apart"
