"""Precision, recall and F1 by class."""

from dlcv.interfaces import Evaluation, Evaluator, Predictions, Table, plugin
from dlcv_plugins.evaluators.answers import predicted_classes
from dlcv_plugins.evaluators.confusion import confused_pairs

MOST_CONFUSED = 3


@plugin
class ClassificationReport(Evaluator):
    """Reports precision, recall, F1 and support by class, and the classes confused most."""

    def evaluate(self, predictions: Predictions) -> Evaluation:
        """Metrics `precision`, `recall`, `f1`, and two tables.

        The metrics are unweighted means over the classes that are present: true for a sample, or
        predicted for one. A class that is true but never predicted has precision 0. Probabilities
        that are not numbers, from a network that diverged, predict no class.
        """
        import numpy as np
        from sklearn.metrics import precision_recall_fscore_support

        names = predictions.label_names
        predicted = predicted_classes(predictions.combined)
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
        tables = {"by_class": Table("By class", columns, tuple(rows), foot=1)}
        pairs = confused_pairs(predictions.labels, predicted, len(names), MOST_CONFUSED)
        if confused := tuple((names[t], names[p], count) for t, p, count in pairs):
            title = "Confused most"
            tables["most_confused"] = Table(title, ("true", "predicted", "samples"), confused)
        metrics = dict(zip(("precision", "recall", "f1"), means, strict=True))
        return Evaluation(metrics, tables, units=dict.fromkeys(metrics, "%"))
