"""Logistic regression, the classifier that goes with extracted features."""

from typing import TYPE_CHECKING

from dlcv.interfaces import option, plugin
from dlcv_plugins.classifiers.grid import listed, searched
from dlcv_plugins.kinds.classifier import Classifier

if TYPE_CHECKING:
    import numpy as np
    from sklearn.base import ClassifierMixin


@plugin
class LogisticRegression(Classifier):
    """Multinomial logistic regression; the best C is found by cross-validation.

    With features of a network that was trained on ImageNet it reached 92.06 % on Flowers-17 and
    95.58 % on Caltech-101 (Rosebrock 2017, chapters 3 and 4). It becomes the network's last layer.
    """

    C: float | tuple[float, ...] = option(
        (0.1, 1.0, 10.0, 100.0, 1000.0, 10000.0),
        help="inverse strengths of the regularization to try, or one; larger fits the data closer",
        gt=0,
    )
    folds: int = option(3, help="parts of the cross-validation, where there are several C", ge=2)
    max_iter: int = option(1000, help="iterations of L-BFGS at most", ge=1)
    tolerance: float = option(1e-4, help="largest gradient at which it stops", gt=0)

    def __attrs_post_init__(self) -> None:
        """Refuses an empty grid."""
        listed(self.C)

    @property
    def least_samples(self) -> int:
        """One a fold."""
        return self.folds if len(listed(self.C)) > 1 else 1

    def estimator(self) -> "ClassifierMixin":
        """Scikit-learn's, in a grid search over C where there are several."""
        from sklearn import linear_model

        regression = linear_model.LogisticRegression(max_iter=self.max_iter, tol=self.tolerance)
        return searched(regression, "C", listed(self.C), self.folds)

    def fit_in_parts(self, features: "np.ndarray", labels: "np.ndarray") -> "ClassifierMixin":
        """Minimises the same function, summed over batches of samples."""
        from dlcv_plugins.classifiers.out_of_core import fit

        return fit(
            features,
            labels,
            strengths=listed(self.C),
            folds=self.folds,
            max_iter=self.max_iter,
            tolerance=self.tolerance,
        )
