"""Fitted estimators in files: saved with skops, which executes nothing when it reads."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from dlcv import files
from dlcv.errors import DlcvError

TRUSTED = (
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.tree._tree.Tree",
)
"""What an estimator may hold beside what skops trusts by itself; never what a file asks for."""
LEAF = -1
"""The child that a tree's leaf has."""


def save(path: Path, estimator: Any) -> None:
    """Writes a fitted estimator.

    Raises:
        DlcvError: it holds types that would not be read again.
    """
    import skops.io

    with files.atomic_path(path) as temporary:
        skops.io.dump(estimator, temporary)
        _refuse_types(temporary, type(estimator).__name__)


def load(path: Path, features: int, classes: int) -> Any:
    """Reads an estimator.

    Args:
        path: The file.
        features: The features that it must take.
        classes: The classes that it must know.

    Raises:
        DlcvError: there is none, it is damaged, holds types that are not trusted, or is of other
            features or classes.
    """
    import skops.io

    try:
        with zipfile.ZipFile(path) as archive:
            files.stored_entries(archive)
        _refuse_types(path, str(path))
        estimator = skops.io.load(path, trusted=list(TRUSTED))
        known = (int(estimator.n_features_in_), len(estimator.classes_))
        _check_trees(estimator)
        if known == (features, classes):
            _check_probabilities(estimator, features, classes)
    except DlcvError:
        raise
    except Exception as error:
        # A damaged or foreign file raises many things, from zipfile's to scikit-learn's.
        raise files.unreadable(path, error, f"is damaged, or no classifier: {error}") from None
    if known != (features, classes):
        raise DlcvError(
            f"{path} takes {known[0]} features and knows {known[1]} classes, and the run's network "
            f"has {features} and {classes}; it belongs to another run"
        )
    return estimator


def _check_probabilities(estimator: Any, features: int, classes: int) -> None:
    """Raises a `ValueError` if an estimator gives no probabilities, whatever it raises else."""
    found = np.asarray(estimator.predict_proba(np.zeros((2, features), np.float32)))
    if found.shape != (2, classes) or not np.allclose(found.sum(axis=1), 1, atol=1e-3):
        raise ValueError("it gives no probabilities of its classes")


def _check_trees(estimator: Any) -> None:
    """Raises a `ValueError` for corrupt trees.

    Scikit-learn follows their indices unchecked: into foreign memory, or round in circles.
    """
    for member in getattr(estimator, "estimators_", ()):
        tree = getattr(member, "tree_", None)
        if tree is None:
            continue
        inner = np.flatnonzero(tree.children_left != LEAF)
        for children in (tree.children_left[inner], tree.children_right[inner]):
            if not ((inner < children) & (children < tree.node_count)).all():
                raise ValueError("corrupt tree: child index out of range")
        used = tree.feature[inner]
        if not ((used >= 0) & (used < estimator.n_features_in_)).all():
            raise ValueError("corrupt tree: feature index out of range")


def _refuse_types(path: Path, name: str) -> None:
    import skops.io

    unknown = set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED)
    if unknown:
        raise DlcvError(
            f"{name} holds {', '.join(sorted(unknown))}, which dlcv does not read from files, "
            "since they might run code"
        )
