"""Classifiers: scikit-learn estimators on features that a network's body extracted."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from dlcv.interfaces.options import Plugin, plugin

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin


@plugin
class Classifier(Plugin, ABC):
    """A recipe for a scikit-learn classifier with probabilities."""

    kind: ClassVar[str] = "classifier"

    @abstractmethod
    def estimator(self) -> "ClassifierMixin":
        """Returns an unfitted scikit-learn estimator with `fit` and `predict_proba`.

        It takes features `(samples, features)` float32 and labels `(samples,)` int64.
        """
