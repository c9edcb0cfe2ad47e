"""Linear classifiers as the last layer of a network."""

from typing import Any

import numpy as np

CLOSE = 1e-5
"""The largest difference between the probabilities of a classifier and of the layer made of it."""


def as_layer(estimator: Any, features: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Returns the weights of a softmax layer that predicts what a fitted estimator predicts.

    Args:
        estimator: A fitted estimator of scikit-learn.
        features: `(samples, features)` on which both must agree.

    Returns:
        `(features, classes)` and `(classes,)` float32; None for an estimator that is no softmax of
        something linear.
    """
    kernel, bias = getattr(estimator, "coef_", None), getattr(estimator, "intercept_", None)
    if kernel is None or bias is None:
        return None
    kernel, bias = np.atleast_2d(kernel).T, np.atleast_1d(bias)
    if kernel.shape[1] == 1:
        # Of two classes scikit-learn keeps the logit of the second; half of it each way is the
        # same softmax, and leaves no class without a gradient.
        kernel, bias = np.hstack([-kernel, kernel]) / 2, np.hstack([-bias, bias]) / 2
    layer = kernel.astype(np.float32), bias.astype(np.float32)
    expected = estimator.predict_proba(features)
    if expected.shape[1] != kernel.shape[1]:
        return None
    found = softmax(features @ layer[0] + layer[1])
    return layer if np.abs(found - expected).max() <= CLOSE else None


def softmax(logits: np.ndarray) -> np.ndarray:
    """Returns `(samples, classes)` probabilities."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
