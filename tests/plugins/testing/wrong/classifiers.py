"""Wrong classifiers."""

import functools
from collections.abc import Callable

from dlcv.interfaces import Classifier, plugin


def classifier(make):
    """Returns what makes a classifier whose estimators `make()` makes."""
    body = {"__doc__": "Does what a test wants.", "estimator": lambda self: make()}
    return lambda: plugin(type("Called", (Classifier,), body))()


@functools.cache
def shared():
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression()


def guessing():
    from sklearn.dummy import DummyClassifier

    return DummyClassifier()


def doubled(x):
    return x * 2


def private():
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    return make_pipeline(FunctionTransformer(doubled), LogisticRegression())


WRONG: dict[str, tuple[Callable, set]] = {
    "one estimator for all": (classifier(shared), {"estimators_are_fresh"}),
    "learns nothing": (classifier(guessing), {"estimator_gives_probabilities", ...}),
    "holds a function of its own": (classifier(private), {"estimator_can_be_kept"}),
}
