"""Logistic regression on features that do not fit into memory.

The function that scikit-learn's `LogisticRegression` minimises is a sum over samples, so it and its
gradient are summed over batches that are read from disk one after the other. Both are minimised by
the same L-BFGS of SciPy, so the coefficients are the same up to the tolerance.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

BATCH_BYTES = 2**26
"""The memory of one batch of features as float64."""


def fit(
    features: "np.ndarray",
    labels: "np.ndarray",
    *,
    strengths: Sequence[float],
    folds: int,
    max_iter: int,
    tolerance: float,
) -> Any:
    """Fits logistic regression, after a search for the best strength where there are several.

    Args:
        features: `(samples, features)` float32, read in batches.
        labels: `(samples,)` int64.
        strengths: The values of C to try.
        folds: Parts of the cross-validation.
        max_iter: Iterations at most.
        tolerance: The largest gradient at which it stops.

    Returns:
        A fitted `GridSearchCV` of scikit-learn, or its `LogisticRegression` for a single strength.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    settings = {"max_iter": max_iter, "tol": tolerance}
    everything = np.ones(len(labels), bool)
    if len(strengths) == 1:
        return _fitted(LogisticRegression(C=strengths[0], **settings), features, labels, everything)
    parts = list(StratifiedKFold(folds).split(labels[:, np.newaxis], labels))
    scores = np.zeros((len(strengths), folds))
    for fold, (trained, _) in enumerate(parts):
        used = np.isin(np.arange(len(labels)), trained)
        start = None
        for i, strength in enumerate(strengths):
            model = LogisticRegression(C=strength, **settings)
            # What the strength before came to is near, so it takes fewer passes over the data.
            start = _minimum(features, labels, used, model, start)
            _set(model, start, labels)
            scores[i, fold] = _accuracy(model, features, labels, ~used)
    search = GridSearchCV(LogisticRegression(**settings), {"C": list(strengths)})
    best = int(scores.mean(axis=1).argmax())
    search.best_params_ = {"C": strengths[best]}
    search.best_score_ = float(scores[best].mean())
    search.cv_results_ = {
        "params": [{"C": strength} for strength in strengths],
        "mean_test_score": scores.mean(axis=1),
    }
    chosen = LogisticRegression(C=strengths[best], **settings)
    search.best_estimator_ = _fitted(chosen, features, labels, everything)
    return search


def _fitted(model: Any, features: "np.ndarray", labels: "np.ndarray", used: "np.ndarray") -> Any:
    """Gives a model of scikit-learn's the coefficients that it would have found, and returns it."""
    return _set(model, _minimum(features, labels, used, model, None), labels)


def _set(model: Any, found: "tuple[np.ndarray, int]", labels: "np.ndarray") -> Any:
    import numpy as np

    coefficients, iterations = found
    model.coef_, model.intercept_ = coefficients[:, :-1], coefficients[:, -1]
    model.classes_ = np.unique(labels)
    model.n_iter_ = np.array([iterations])
    model.n_features_in_ = coefficients.shape[1] - 1
    return model


def _minimum(
    features: "np.ndarray",
    labels: "np.ndarray",
    used: "np.ndarray",
    model: Any,
    start: "tuple[np.ndarray, int] | None",
) -> "tuple[np.ndarray, int]":
    """Returns `(rows, features + 1)` coefficients, the last column the intercepts, and iterations.

    There is a row a class, or just one where there are two classes, as scikit-learn has it.
    """
    import numpy as np
    from scipy.optimize import minimize

    classes = len(np.unique(labels))
    shape = (classes if classes > 2 else 1, features.shape[1] + 1)
    first = np.zeros(shape) if start is None else start[0]

    def function(flat: "np.ndarray") -> "tuple[float, np.ndarray]":
        value, gradient = _objective(flat.reshape(shape), features, labels, used, model.C)
        return value, gradient.ravel()

    found = minimize(
        function,
        first.ravel(),
        jac=True,
        method="L-BFGS-B",
        options={
            "maxiter": model.max_iter,
            "maxls": 50,
            "gtol": model.tol,
            "ftol": 64 * np.finfo(float).eps,
        },
    )
    return found.x.reshape(shape), int(found.nit)


def _objective(
    coefficients: "np.ndarray",
    features: "np.ndarray",
    labels: "np.ndarray",
    used: "np.ndarray",
    strength: float,
) -> "tuple[float, np.ndarray]":
    """Returns the mean cross-entropy plus `|coefficients|^2 / (2 C samples)`, and its gradient."""
    import numpy as np

    gradient = np.zeros_like(coefficients)
    total, count = 0.0, int(used.sum())
    for at in _batches(features):
        x, known = np.asarray(features[at], np.float64), labels[at]
        logits = _logits(coefficients, x)
        logits -= logits.max(axis=1, keepdims=True)
        sums = np.exp(logits).sum(axis=1)
        rows = np.arange(len(x))
        total += float((np.log(sums) - logits[rows, known]) @ used[at])
        residual = np.exp(logits) / sums[:, np.newaxis]
        residual[rows, known] -= 1
        residual *= used[at, np.newaxis]
        residual = residual[:, -len(coefficients) :]
        gradient[:, :-1] += residual.T @ x
        gradient[:, -1] += residual.sum(axis=0)
    penalised = coefficients[:, :-1]
    gradient[:, :-1] += penalised / strength
    value = total + float((penalised**2).sum()) / (2 * strength)
    return value / count, gradient / count


def _logits(coefficients: "np.ndarray", x: "np.ndarray") -> "np.ndarray":
    """Returns `(samples, classes)`; the first of two classes has 0."""
    import numpy as np

    values = x @ coefficients[:, :-1].T + coefficients[:, -1]
    return values if len(coefficients) > 1 else np.hstack([np.zeros_like(values), values])


def _accuracy(
    model: Any, features: "np.ndarray", labels: "np.ndarray", chosen: "np.ndarray"
) -> float:
    right = sum(
        int(((model.predict(features[at]) == labels[at]) & chosen[at]).sum())
        for at in _batches(features)
    )
    return right / int(chosen.sum())


def _batches(features: "np.ndarray") -> Iterator[slice]:
    """Yields parts of the rows, in the order in which they lie on disk."""
    size = max(1, BATCH_BYTES // (8 * features.shape[1]))
    for start in range(0, len(features), size):
        yield slice(start, min(start + size, len(features)))
