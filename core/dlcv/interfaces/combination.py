"""Combining what several networks say into one answer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from dlcv.errors import DlcvError

if TYPE_CHECKING:
    import numpy as np

Combination = Literal["mean", "weighted", "geometric", "vote"]
"""How members are combined: by their mean, their mean weighted by validation accuracy, their
geometric mean, or the majority of their votes."""
SMALLEST_PROBABILITY = 1e-12
"""A member that excludes a class in the geometric mean does not exclude it for good."""


def combine(
    probabilities: "np.ndarray",
    method: Combination = "mean",
    validation_accuracies: Sequence[float] = (),
) -> "np.ndarray":
    """Returns one answer from those of several members, `(samples, classes)` float32.

    Args:
        probabilities: `(members, samples, classes)`.
        method: How. Votes that are equal in number are told apart by the mean, which counts for
            less than any vote.
        validation_accuracies: The members' weights for `weighted`, from 0 to 1.

    Raises:
        DlcvError: the members' validation accuracies are needed and not known.
    """
    import numpy as np

    members, _, classes = probabilities.shape
    if method == "weighted":
        if len(validation_accuracies) != members or not any(validation_accuracies):
            raise DlcvError(
                "the members can't be weighted: the validation accuracy of some is not known, "
                "or that of all is 0; use mean"
            )
        combined = np.average(probabilities, axis=0, weights=validation_accuracies)
    elif method == "geometric":
        logarithms = np.log(np.maximum(probabilities, SMALLEST_PROBABILITY))
        combined = np.exp(logarithms.mean(axis=0))
    elif method == "vote":
        votes = np.eye(classes)[probabilities.argmax(axis=2)].mean(axis=0)
        combined = votes + probabilities.mean(axis=0) * 1e-3 / members
    else:
        return probabilities.mean(axis=0)
    return (combined / combined.sum(axis=1, keepdims=True)).astype(np.float32)
