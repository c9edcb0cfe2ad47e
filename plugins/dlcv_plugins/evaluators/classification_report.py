"""Precision, recall and F1 by class."""

import numpy as np

from dlcv.interfaces import Evaluation, Evaluator, Predictions, Table, plugin

MOST_CONFUSED = 3
NO_CLASS = -1


@plugin
class ClassificationReport(Evaluator):
    """Tells precision, recall, F1 and support by class, and which classes are confused most."""

    def evaluate(self, predictions: Predictions) -> Evaluation:
        """Metrics `precision`, `recall`, `f1`, and two tables.

        The metrics are unweighted means over the classes that are present: true for a sample, or
        predicted for one. A class that is true but never predicted has precision 0. Probabilities
        that are not numbers, from a network that diverged, predict no class.
        """
        from sklearn.metrics import precision_recall_fscore_support

        names = predictions.label_names
        probabilities = predictions.mean
        lost = np.isnan(probabilities).any(axis=1)
        predicted = np.where(lost, NO_CLASS, probabilities.argmax(axis=1))
        precision, recall, f1, support = precision_recall_fscore_support(
            predictions.labels, predicted, labels=range(len(names)), zero_division=0.0
        )
        rows: list[tuple[str, float, float, float, int]] = [
            (name, float(p), float(r), float(f), int(s))
            for name, p, r, f, s in zip(names, precision, recall, f1, support, strict=True)
        ]
        present = np.isin(range(len(names)), [predictions.labels, predicted])
        means = [float(values[present].mean()) for values in (precision, recall, f1)]
        rows.append(("mean", means[0], means[1], means[2], int(support.sum())))
        columns = ("class", "precision", "recall", "f1", "support")
        tables = {"by_class": Table("By class", columns, tuple(rows))}
        if confused := _most_confused(predictions.labels, predicted, names):
            title = "Confused most"
            tables["most_confused"] = Table(title, ("true", "predicted", "samples"), confused)
        return Evaluation(dict(zip(("precision", "recall", "f1"), means, strict=True)), tables)


def _most_confused(
    labels: np.ndarray, predicted: np.ndarray, names: tuple[str, ...]
) -> tuple[tuple[str, str, int], ...]:
    from sklearn.metrics import confusion_matrix

    matrix = confusion_matrix(labels, predicted, labels=range(len(names)))
    np.fill_diagonal(matrix, 0)
    order = (-matrix).argsort(axis=None, kind="stable")[:MOST_CONFUSED]
    pairs = [np.unravel_index(i, matrix.shape) for i in order]
    return tuple((names[t], names[p], int(matrix[t, p])) for t, p in pairs if matrix[t, p])
