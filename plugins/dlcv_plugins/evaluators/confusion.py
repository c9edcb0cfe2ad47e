"""The confusion matrix."""

from typing import TYPE_CHECKING

from dlcv.interfaces import Evaluation, Evaluator, Matrix, Predictions, Table, plugin
from dlcv_plugins.evaluators.answers import NO_CLASS, predicted_classes

if TYPE_CHECKING:
    import numpy as np

MOST_CLASSES = 12
"""A table of more columns is not readable."""
PAIRS = 20


@plugin
class Confusion(Evaluator):
    """Counts which classes are taken for which: a table and a picture."""

    def evaluate(self, predictions: Predictions) -> Evaluation:
        """A table and the drawing `confusion`, a row a true class, a column a predicted one.

        With more classes than a table has room for, there is a table of the pairs that are
        confused most instead. Probabilities that are not numbers predict no class; they are in no
        cell of the drawing, and in a column of their own in the table.
        """
        import numpy as np
        from sklearn.metrics import confusion_matrix

        names = predictions.label_names
        predicted = predicted_classes(predictions.combined)
        matrix = confusion_matrix(predictions.labels, predicted, labels=range(len(names)))
        drawing = Matrix("Confusion matrix", "true", "predicted", names, matrix)
        lost = np.bincount(predictions.labels[predicted == NO_CLASS], minlength=len(names))
        if len(names) <= MOST_CLASSES:
            tables = {"confusion": _as_table(matrix, lost, names)}
        else:
            tables = _as_pairs(predictions.labels, predicted, names)
        return Evaluation({}, tables, {"confusion": drawing})


def _as_table(matrix: "np.ndarray", lost: "np.ndarray", names: tuple[str, ...]) -> Table:
    import numpy as np

    columns = ["true \\ predicted", *names]
    if lost.any():
        columns.append("none")
        matrix = np.column_stack([matrix, lost])
    rows = tuple((name, *row) for name, row in zip(names, matrix.tolist(), strict=True))
    return Table("Confusion matrix", tuple(columns), rows)


def _as_pairs(
    labels: "np.ndarray", predicted: "np.ndarray", names: tuple[str, ...]
) -> dict[str, Table]:
    import numpy as np

    sizes = np.bincount(labels, minlength=len(names))
    rows = tuple(
        (names[true], names[taken_for], count, count / int(sizes[true]))
        for true, taken_for, count in confused_pairs(labels, predicted, len(names), PAIRS)
    )
    columns = ("true", "predicted", "samples", "share of the true class")
    return {"confused_pairs": Table("Confused most", columns, rows)} if rows else {}


def confused_pairs(
    labels: "np.ndarray", predicted: "np.ndarray", classes: int, most: int
) -> list[tuple[int, int, int]]:
    """Returns the true class, the predicted one and the count of what is confused, most first.

    Args:
        labels: `(samples,)`, the true classes.
        predicted: `(samples,)`, the predicted ones, or `NO_CLASS`.
        classes: How many classes there are.
        most: How many pairs are wanted.
    """
    import numpy as np

    wrong = (predicted != labels) & (predicted != NO_CLASS)
    pairs, counts = np.unique(labels[wrong] * classes + predicted[wrong], return_counts=True)
    order = np.argsort(-counts, kind="stable")[:most]
    return [(*divmod(int(pairs[i]), classes), int(counts[i])) for i in order]
