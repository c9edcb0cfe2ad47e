"""A linear support vector machine with probabilities."""

from typing import TYPE_CHECKING

from dlcv.interfaces import option, plugin
from dlcv_plugins.classifiers.grid import listed, searched
from dlcv_plugins.kinds.classifier import Classifier

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin


@plugin
class LinearSVM(Classifier):
    """A linear support vector machine, calibrated; the best C is found by cross-validation.

    Its scores become probabilities by a sigmoid a class (Platt 1999), fitted on scores of samples
    that it was not trained on.
    """

    C: float | tuple[float, ...] = option(
        (0.001, 0.01, 0.1, 1.0, 10.0),
        help="inverse strengths of the regularization to try, or one; larger fits the data closer",
        gt=0,
    )
    folds: int = option(3, help="parts of the cross-validation and of the calibration", ge=2)
    max_iter: int = option(1000, help="iterations at most", ge=1)

    def __attrs_post_init__(self) -> None:
        """Refuses an empty grid."""
        listed(self.C)

    @property
    def least_samples(self) -> int:
        """One a fold of the calibration, within what each fold of the search leaves."""
        if len(listed(self.C)) == 1:
            return self.folds
        return next(n for n in range(self.folds, 4 * self.folds) if self._left(n) >= self.folds)

    def _left(self, samples: int) -> int:
        """Returns how many of a class's samples the largest fold of the search leaves."""
        return samples - -(-samples // self.folds)

    def estimator(self) -> "ClassifierMixin":
        """Scikit-learn's, calibrated, in a grid search over C where there are several."""
        from sklearn.calibration import CalibratedClassifierCV
        from sklearn.svm import LinearSVC

        machine = LinearSVC(max_iter=self.max_iter, random_state=0)
        calibrated = CalibratedClassifierCV(machine, cv=self.folds, ensemble=False)
        return searched(calibrated, "estimator__C", listed(self.C), self.folds)
