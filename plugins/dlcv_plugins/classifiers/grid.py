"""The search for a regularization strength by cross-validation, which linear classifiers share."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dlcv.errors import DlcvError

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin


def searched(
    estimator: Any, name: str, strengths: Sequence[float], folds: int
) -> "ClassifierMixin":
    """Returns an estimator that finds the best of several strengths while it is fitted.

    Args:
        estimator: What is fitted with each of them.
        name: The name of its parameter.
        strengths: The values to try; a single one is set, and nothing is searched.
        folds: Parts that the samples are divided into; each is predicted by the others.
    """
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    if len(strengths) == 1:
        return estimator.set_params(**{name: strengths[0]})
    parts = StratifiedKFold(folds)
    return GridSearchCV(estimator, {name: list(strengths)}, cv=parts, error_score="raise")


def listed(strengths: float | tuple[float, ...]) -> tuple[float, ...]:
    """Returns one strength or several as a tuple; raises `DlcvError` if there are none."""
    several = strengths if isinstance(strengths, tuple) else (strengths,)
    if not several:
        raise DlcvError("C: expected at least one number, received ()")
    return several
