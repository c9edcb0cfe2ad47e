"""Classifiers: scikit-learn estimators on features that a network's body extracted."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from dlcv.interfaces import Plugin, plugin

if TYPE_CHECKING:
    import numpy as np
    from sklearn.base import ClassifierMixin


@plugin
class Classifier(Plugin, ABC):
    """A recipe for a scikit-learn classifier with probabilities."""

    kind: ClassVar[str] = "classifier"

    @abstractmethod
    def estimator(self) -> "ClassifierMixin":
        """Returns an unfitted scikit-learn estimator with `fit` and `predict_proba`.

        It takes features `(samples, features)` float32 or float64, and labels `(samples,)` int64.
        """

    @property
    def least_samples(self) -> int:
        """How many samples of each class it must have, such as one a fold of a cross-validation."""
        return 1

    def fit_in_parts(
        self, features: "np.ndarray", labels: "np.ndarray"
    ) -> "ClassifierMixin | None":
        """Returns a fitted estimator, without ever having all features in memory.

        It is called instead of `estimator` where the features do not fit. By default there is no
        such way.

        Args:
            features: `(samples, features)` float32, mapped from a file: to be read in batches.
            labels: `(samples,)` int64.

        Returns:
            What `estimator` gives, fitted; None where this is not possible.
        """
        return None
