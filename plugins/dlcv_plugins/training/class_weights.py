"""Weights of classes, so that each counts the same in the loss."""

from collections.abc import Sequence

import numpy as np

SHOWN = 20
"""More classes than these are told by their extremes."""


def balanced(labels: np.ndarray, classes: int) -> np.ndarray:
    """Returns `n / (classes * count)` for each class, as scikit-learn's `balanced` does.

    Args:
        labels: The classes' indices, `(n,)`.
        classes: The number of classes.

    Returns:
        The weights, `(classes,)` float32; 0 for a class without images.
    """
    counts = np.bincount(labels, minlength=classes)
    weights = len(labels) / (classes * np.maximum(counts, 1))
    return np.where(counts, weights, 0).astype(np.float32)


def in_words(weights: np.ndarray, names: Sequence[str]) -> str:
    """Returns weights by class, or the extremes where there are many classes."""
    order = np.argsort(weights, kind="stable")
    if len(order) <= SHOWN:
        return ", ".join(f"{names[i]} {weights[i]:.2f}" for i in order)
    low, high = order[0], order[-1]
    return f"from {weights[low]:.2f} ({names[low]}) to {weights[high]:.2f} ({names[high]})"
