"""Rank-1 and rank-k accuracy."""

import numpy as np

from dlcv.errors import DlcvError
from dlcv.interfaces import Evaluation, Evaluator, Predictions, option, plugin


@plugin
class Rank(Evaluator):
    """Counts how often the true class is the most probable one, and how often among the first k."""

    k: int | None = option(None, help="how many classes count; 5 where there are more", ge=1)

    def evaluate(self, predictions: Predictions) -> Evaluation:
        """Metrics `rank1` and `rank{k}`: shares of the samples, from 0 to 1.

        A class as probable as the true one counts as ahead of it, so that a network that says the
        same of every class gets no credit.

        Raises:
            DlcvError: `k` is larger than the number of classes.
        """
        classes = len(predictions.label_names)
        if self.k is not None and self.k > classes:
            raise DlcvError(f"rank: k is {self.k}, but there are only {classes} classes")
        ranks = true_class_ranks(predictions.mean, predictions.labels)
        k = self.k or (5 if classes > 5 else 1)
        return Evaluation({f"rank{r}": float((ranks <= r).mean()) for r in sorted({1, k})})


def true_class_ranks(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns each sample's rank of its true class, from 1, as `(samples,)` int64.

    Args:
        probabilities: `(samples, classes)`.
        labels: `(samples,)`, the true classes.
    """
    true = np.take_along_axis(probabilities, labels[:, np.newaxis], axis=1)
    # Written so that what is not a number, from a network that diverged, gets no credit.
    return (~(probabilities < true)).sum(axis=1)
