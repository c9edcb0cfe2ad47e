"""Predictions for tests of what uses them."""

import numpy as np

from dlcv.interfaces import Predictions


def predictions(probabilities, labels):
    """Predictions of one member, `(samples, classes)`, or several."""
    probabilities = np.asarray(probabilities, np.float32)
    probabilities = probabilities if probabilities.ndim == 3 else probabilities[np.newaxis]
    names = tuple(f"class{i}" for i in range(probabilities.shape[2]))
    ids = tuple(f"{i}.png" for i in range(len(labels)))
    return Predictions(probabilities, np.asarray(labels, np.int64), names, ids)


def random_predictions(samples, classes, seed):
    """Predictions that have nothing to do with the labels."""
    rng = np.random.default_rng(seed)
    # Rows are permutations, so that no two classes are as probable.
    scores = rng.permuted(np.tile(np.arange(1.0, classes + 1), (samples, 1)), axis=1)
    return predictions(scores / scores.sum(axis=1)[:, None], rng.integers(0, classes, samples))


def predicting(labels, predicted, classes):
    """Predictions that are sure of `predicted`."""
    return predictions(np.eye(classes)[np.asarray(predicted)], labels)
