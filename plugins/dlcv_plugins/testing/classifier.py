"""Checks of classifiers.

PYTEST_DONT_REWRITE: what fails is told in whole sentences.
"""

import functools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlcv.errors import DlcvError
from dlcv.interfaces import Plugin
from dlcv.testing import Check
from dlcv_plugins.kinds.classifier import Classifier

if TYPE_CHECKING:
    import numpy as np


def checks(cls: type[Plugin]) -> tuple[Check, ...]:
    """Returns the checks for classifiers."""
    return (
        check_estimators_are_fresh,
        check_estimator_gives_probabilities,
        check_estimator_can_be_kept,
    )


def check_estimators_are_fresh(classifier: Classifier) -> None:
    """Each call gives an estimator of its own: it will be fitted."""
    assert classifier.estimator() is not classifier.estimator(), (
        f"{classifier} gives the same estimator twice; make a new one"
    )


def check_estimator_gives_probabilities(classifier: Classifier) -> None:
    """The estimator learns from float32 features and int64 labels, and gives probabilities."""
    import numpy as np

    features, labels = _separate_samples()
    fitted = _fitted(classifier)
    probabilities = fitted.predict_proba(features)
    assert probabilities.shape == (90, 3), f"the probabilities have shape {probabilities.shape}"
    assert np.allclose(probabilities.sum(axis=1), 1), "the probabilities do not sum to 1"
    accuracy = (probabilities.argmax(axis=1) == labels).mean()
    assert accuracy > 0.8, f"only {accuracy:.0%} of clearly separate samples are told apart"


def check_estimator_can_be_kept(classifier: Classifier) -> None:
    """A fitted estimator becomes a layer, or is kept in a file that holds no code."""
    import numpy as np

    from dlcv_plugins.trainers.features import estimators
    from dlcv_plugins.trainers.features.linear import as_layer

    features, _ = _separate_samples()
    # Of a search over a grid, the best is kept.
    fitted = getattr(_fitted(classifier), "best_estimator_", _fitted(classifier))
    if as_layer(fitted, features) is not None:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "classifier.skops"
        try:
            estimators.save(path, fitted)
            again = estimators.load(path, features.shape[1], 3)
        except DlcvError as error:
            raise AssertionError(f"what {classifier} fits can't be kept: {error}") from None
        same = np.allclose(again.predict_proba(features), fitted.predict_proba(features))
    assert same, f"what {classifier} fits predicts something else once it was kept and read"


@functools.lru_cache(maxsize=1)
def _fitted(classifier: Classifier) -> Any:
    """Returns a fitted estimator; searching a grid takes a while, so checks share it."""
    return classifier.estimator().fit(*_separate_samples())


def _separate_samples() -> "tuple[np.ndarray, np.ndarray]":
    """Returns `(90, 8)` float32 features and `(90,)` int64 labels of three separate classes."""
    import numpy as np

    labels = np.arange(90) % 3
    features = np.random.default_rng(0).normal(size=(90, 8)).astype(np.float32)
    features[np.arange(90), labels] += 4
    return features, labels
