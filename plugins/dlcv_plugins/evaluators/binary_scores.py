"""Scores of two classes."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from dlcv.errors import DlcvError
from dlcv.interfaces import Curves, Evaluation, Evaluator, Matrix, Predictions, Table, plugin
from dlcv_plugins.evaluators.intervals import bootstrap, wilson

if TYPE_CHECKING:
    import numpy as np

THRESHOLDS = tuple(i / 10 for i in range(10))


@plugin
class BinaryScores(Evaluator):
    """Measures how well two classes are separated, at any threshold: error, correlation, ROC."""

    def evaluate(self, predictions: Predictions) -> Evaluation:
        """Metrics, a table of thresholds, and the drawings `roc` and `precision_recall`.

        The second class counts as 1, the first as 0; the score is the probability of the second.

        - `mean_squared_error` of score and class, from 0 to 1
        - `correlation` of score and class after Pearson, from -1 to 1; 0 for scores all the same
        - `threshold_accuracy`: the accuracy at the best of the thresholds 0, 0.1, ... 0.9, above
          which the second class is predicted, and `best_threshold`; chosen on these samples, so
          a little better than on others
        - `roc_auc`, the area under the ROC curve, and `average_precision`, from 0 to 1

        All but the first and the accuracy need samples of both classes. The accuracy has a Wilson
        interval, the others have one by bootstrap. Probabilities that are not numbers count as
        full confidence in the wrong class.

        Raises:
            DlcvError: there are not two classes.
        """
        import numpy as np

        names = predictions.label_names
        if len(names) != 2:
            raise DlcvError(
                f"binary_scores: it takes two classes, and there are {len(names)}; "
                "use rank, classification_report or calibration"
            )
        labels = predictions.labels
        scores = predictions.combined[:, 1].astype(float)
        scores = np.where(np.isfinite(scores), scores, 1 - labels)
        metrics, drawings = _scores(scores, labels, names[1])
        spread = bootstrap(_resampled(scores, labels), list(metrics.values()), len(labels))
        intervals = dict(zip(metrics, spread[: len(metrics)], strict=True))
        right = [int(((scores > t) == labels).sum()) for t in THRESHOLDS]
        # The middle wins where several thresholds are as good.
        best = max(range(len(right)), key=lambda i: (right[i], -abs(THRESHOLDS[i] - 0.5)))
        metrics["threshold_accuracy"] = right[best] / len(labels)
        metrics["best_threshold"] = THRESHOLDS[best]
        intervals["threshold_accuracy"] = wilson(right[best], len(labels))
        rows = tuple((t, n / len(labels)) for t, n in zip(THRESHOLDS, right, strict=True))
        title = f"Accuracy by the probability above which {names[1]} is predicted"
        tables = {"thresholds": Table(title, ("threshold", "accuracy"), rows)}
        return Evaluation(metrics, tables, drawings, intervals, {"threshold_accuracy": "%"})


def _scores(
    scores: "np.ndarray", labels: "np.ndarray", positive: str
) -> tuple[dict[str, float], dict[str, Curves | Matrix]]:
    """Returns metrics and drawings; only the error if a class has no samples."""
    import numpy as np
    from sklearn import metrics

    found = {"mean_squared_error": float(np.mean((scores - labels) ** 2))}
    if labels.min() == labels.max():
        return found, {}
    varied = scores.min() < scores.max()
    found["correlation"] = float(np.corrcoef(scores, labels)[0, 1]) if varied else 0.0
    found["roc_auc"] = float(metrics.roc_auc_score(labels, scores))
    found["average_precision"] = float(metrics.average_precision_score(labels, scores))
    false_positives, true_positives, _ = metrics.roc_curve(labels, scores)
    precision, recall, _ = metrics.precision_recall_curve(labels, scores)
    roc = np.stack([false_positives, true_positives], axis=1)
    precision_recall = np.stack([recall, precision], axis=1)
    name = f"{positive} against the other"
    return found, {
        "roc": Curves(
            "ROC", "false positive rate", "true positive rate", {name: roc}, has_diagonal=True
        ),
        "precision_recall": Curves(
            "Precision and recall", "recall", "precision", {name: precision_recall}
        ),
    }


def _resampled(scores: "np.ndarray", labels: "np.ndarray") -> "Callable[[np.ndarray], np.ndarray]":
    """Returns what computes the metrics of `_scores` for samples by how often each was drawn.

    The samples are sorted once, not for each draw.
    """
    import numpy as np

    order = np.argsort(-scores, kind="stable")
    scores, labels = scores[order], labels[order]
    # Samples of the same score are above a threshold together.
    last_of_score = np.append(np.diff(scores) != 0, True)
    one_class = labels.min() == labels.max()

    def statistics(drawn: "np.ndarray") -> "np.ndarray":
        weights = drawn[:, order]
        errors = weights @ (scores - labels) ** 2 / weights.sum(axis=1)
        if one_class:
            return errors[:, np.newaxis]
        positives = np.cumsum(weights * labels, axis=1)[:, last_of_score]
        above = np.cumsum(weights, axis=1)[:, last_of_score]
        negatives = above - positives
        both = (positives[:, -1] > 0) & (negatives[:, -1] > 0)
        recall = _rates(positives)
        false_positives = _rates(negatives)
        precision = positives / np.maximum(above, 1)
        others = (
            _correlations(scores, labels, weights),
            np.trapezoid(recall, false_positives, axis=1),
            np.sum(np.diff(recall, axis=1) * precision, axis=1),
        )
        return np.stack([errors, *(np.where(both, figures, np.nan) for figures in others)], axis=1)

    return statistics


def _rates(counts: "np.ndarray") -> "np.ndarray":
    """Returns the shares, from 0 to 1, of rows that count up; all 0 of a row that stays 0."""
    import numpy as np

    shares = counts / np.maximum(counts[:, -1:], 1)
    return np.concatenate([np.zeros((len(counts), 1)), shares], axis=1)


def _correlations(
    scores: "np.ndarray", labels: "np.ndarray", weights: "np.ndarray"
) -> "np.ndarray":
    """Returns Pearson's correlation for rows of weights, 0 for scores all the same."""
    import numpy as np

    samples = weights.sum(axis=1)
    first = scores - (weights @ scores / samples)[:, np.newaxis]
    second = labels - (weights @ labels / samples)[:, np.newaxis]
    weighted = weights * first
    covariance = np.sum(weighted * second, axis=1)
    spread = np.sqrt(np.sum(weighted * first, axis=1) * np.sum(weights * second**2, axis=1))
    return covariance / np.where(spread > 0, spread, 1)
