"""Naive Bayes."""

from typing import TYPE_CHECKING

from dlcv.interfaces import Classifier, option, plugin

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin


@plugin
class NaiveBayes(Classifier):
    """Takes each feature of a class for independent of the others, and normally distributed."""

    smoothing: float = option(1e-3, help="share of the largest variance that is added", gt=0)

    def estimator(self) -> "ClassifierMixin":
        """Scikit-learn's."""
        from sklearn.naive_bayes import GaussianNB

        return GaussianNB(var_smoothing=self.smoothing)
