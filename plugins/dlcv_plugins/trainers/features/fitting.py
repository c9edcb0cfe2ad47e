"""Fitting a classifier to features, in memory or in parts."""

import logging
import os
import time
import warnings
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from dlcv.errors import DlcvError
from dlcv_plugins.kinds.classifier import Classifier
from dlcv_plugins.trainers.features.features import SplitFeatures

logger = logging.getLogger(__name__)
SHARE = 0.5
"""The share of the free memory that fitting may take."""
COPIES = 2 / 3
"""What each fit of a cross-validation copies of the features."""
WORTH_PROCESSES = 100_000_000
"""Bytes of features below which starting processes takes longer than fitting."""


@attrs.frozen(eq=False)
class Fitted:
    """A fitted classifier.

    Attributes:
        estimator: Scikit-learn's.
        seconds: What fitting took.
        in_memory: Whether all features were in memory at once.
        best: The best parameters of the search, by name; empty if nothing was searched.
        scores: The mean accuracy of each value in the cross-validation, as written.
    """

    estimator: Any
    seconds: float
    in_memory: bool
    best: dict[str, float]
    scores: dict[str, float]


def fit_classifier(classifier: Classifier, train: SplitFeatures, threads: int) -> Fitted:
    """Fits a classifier to the features of the training images.

    Args:
        classifier: The classifier.
        train: The features.
        threads: Fits that run at once; the numbers do not depend on it.

    Raises:
        DlcvError: a class has too few images for the cross-validation, the features fit neither
            into memory nor can be taken in parts, or the classifier does not know all classes.
    """
    _refuse_small_classes(classifier, train)
    start = time.monotonic()
    fitted, in_memory = _fit(classifier, train, threads)
    seconds = time.monotonic() - start
    estimator = getattr(fitted, "best_estimator_", fitted)
    if not np.array_equal(estimator.classes_, np.arange(len(train.label_names))):
        known = [train.label_names[i] for i in estimator.classes_]
        raise DlcvError(f"the classifier knows only the classes {', '.join(known)}")
    _warn_of_iterations(estimator)
    best, scores = _search(fitted)
    return Fitted(estimator, seconds, in_memory, best, scores)


def _fit(classifier: Classifier, train: SplitFeatures, threads: int) -> tuple[Any, bool]:
    """Returns a fitted estimator, and whether it had all features in memory."""
    import joblib
    from threadpoolctl import threadpool_limits

    # With float32 a fit stops early, and where it stops depends on the order of the sums.
    size = 8 * train.values.size
    room = SHARE * free_memory()
    at_once = threads if size >= WORTH_PROCESSES else 1
    while at_once > 1 and size * (2 + COPIES * at_once) > room:
        at_once -= 1
    fits = size * (1 + COPIES) <= room
    shape = f"{size / 1e6:,.1f} MB of features"
    # Threads of linear algebra within each other, or beside other processes, wait for each other.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if fits:
            logger.info("fitting in memory: %s, %d at once", shape, at_once)
            with joblib.parallel_config(n_jobs=at_once):
                values = train.values.astype(np.float64)
                return classifier.estimator().fit(values, train.labels), True
    with threadpool_limits(threads):
        logger.info("fitting in parts, since %s do not fit into memory", shape)
        fitted = classifier.fit_in_parts(train.values, train.labels)
    if fitted is None:
        raise DlcvError(
            f"{type(classifier).__name__} needs all features in memory: {size / 1e9:.1f} GB, and "
            f"{free_memory() / 1e9:.1f} GB are free; logistic_regression takes them in parts, or "
            "extract fewer from a deeper layer"
        )
    return fitted, False


def free_memory() -> float:
    """Returns the bytes of memory that a process may take without pushing others out."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return float(next(x.split()[1] for x in lines if x.startswith("MemAvailable"))) * 1024
    except (OSError, StopIteration, ValueError):
        # Not Linux: half of what is built in.
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2


def _refuse_small_classes(classifier: Classifier, train: SplitFeatures) -> None:
    counts = np.bincount(train.labels, minlength=len(train.label_names))
    least = classifier.least_samples
    if counts.min() < least:
        small = [
            f'"{train.label_names[i]}" has {counts[i]}' for i in np.flatnonzero(counts < least)
        ]
        shown = ", ".join(small[:5]) + (", ..." if len(small) > 5 else "")
        raise DlcvError(
            f"{type(classifier).__name__} needs {least} training images of each class for its "
            f"cross-validation, and {shown}; add images, leave the class out, or name one C alone"
        )


def _warn_of_iterations(estimator: Any) -> None:
    limit, used = getattr(estimator, "max_iter", None), getattr(estimator, "n_iter_", None)
    if limit is not None and used is not None and int(np.max(used)) >= limit:
        logger.warning(
            "the fit stopped at max_iter = %d before it converged; a smaller C converges sooner",
            limit,
        )


def _search(fitted: Any) -> tuple[dict[str, float], dict[str, float]]:
    """Returns the best parameters of a search and all scores; empty where there was none."""
    results = getattr(fitted, "cv_results_", None)
    if results is None:
        return {}, {}

    def plain(parameters: dict[str, float]) -> dict[str, float]:
        return {name.rpartition("__")[2]: value for name, value in parameters.items()}

    scores = {
        ", ".join(f"{name}={value:g}" for name, value in plain(parameters).items()): float(score)
        for parameters, score in zip(results["params"], results["mean_test_score"], strict=True)
    }
    return plain(fitted.best_params_), scores
