"""What networks answer, where some of their probabilities may not be numbers."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

NO_CLASS = -1
"""What is predicted by probabilities that are not numbers."""


def true_class_ranks(probabilities: "np.ndarray", labels: "np.ndarray") -> "np.ndarray":
    """Returns each sample's rank of its true class, from 1, as `(samples,)` int64.

    A class as probable as the true one counts as ahead of it, so that a network that says the same
    of every class gets no credit.

    Args:
        probabilities: `(samples, classes)`.
        labels: `(samples,)`, the true classes.
    """
    import numpy as np

    true = np.take_along_axis(probabilities, labels[:, np.newaxis], axis=1)
    # Written so that what is not a number, from a network that diverged, gets no credit.
    return (~(probabilities < true)).sum(axis=1)


def predicted_classes(probabilities: "np.ndarray") -> "np.ndarray":
    """Returns each sample's most probable class, `(samples,)` int64, or `NO_CLASS`.

    Args:
        probabilities: `(samples, classes)`.
    """
    import numpy as np

    lost = ~np.isfinite(probabilities).all(axis=1)
    return np.where(lost, NO_CLASS, probabilities.argmax(axis=1))
