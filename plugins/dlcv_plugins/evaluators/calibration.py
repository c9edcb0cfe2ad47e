"""Whether a network's confidence can be taken at its word."""

from dlcv.interfaces import Curves, Evaluation, Evaluator, Predictions, Table, plugin
from dlcv_plugins.evaluators.answers import true_class_ranks

BINS = 15


@plugin
class Calibration(Evaluator):
    """Compares the confidence of a network with its accuracy: calibration error, reliability."""

    def evaluate(self, predictions: Predictions) -> Evaluation:
        """Metrics from 0 to 1, except the last; a table, and the drawing `reliability`.

        - `expected_calibration_error`: the mean distance of confidence and accuracy over 15 bins
          of equal width, weighted by their samples (Guo et al., 2017)
        - `maximum_calibration_error`: the largest such distance
        - `mean_confidence`: the mean probability of the most probable class
        - `overconfidence`: that less the accuracy; below 0 for a network that is too modest

        Probabilities that are not numbers count as full confidence in a wrong class.
        """
        import numpy as np

        probabilities = predictions.combined.astype(float)
        numbers = np.isfinite(probabilities).all(axis=1)
        confidence = np.where(numbers, probabilities.max(axis=1), 1.0)
        right = numbers & (true_class_ranks(probabilities, predictions.labels) == 1)
        edges = np.linspace(0, 1, BINS + 1)
        # A bin holds its upper edge.
        bins = np.digitize(confidence, edges[1:-1], right=True)
        counts = np.bincount(bins, minlength=BINS)
        filled = np.flatnonzero(counts)
        confidences = np.bincount(bins, confidence, BINS)[filled] / counts[filled]
        accuracies = np.bincount(bins, right, BINS)[filled] / counts[filled]
        distances = np.abs(confidences - accuracies)
        metrics = {
            "expected_calibration_error": float(np.average(distances, weights=counts[filled])),
            "maximum_calibration_error": float(distances.max()),
            "mean_confidence": float(confidence.mean()),
            "overconfidence": float(confidence.mean() - right.mean()),
        }
        columns = ("from", "to", "samples", "mean confidence", "accuracy")
        values = (edges[filled], edges[filled + 1], counts[filled], confidences, accuracies)
        rows = tuple(zip(*(column.tolist() for column in values), strict=True))
        table = Table("Accuracy by confidence", columns, rows)
        line = np.stack([confidences, accuracies], axis=1)
        members = len(predictions.probabilities)
        name = "this network" if members == 1 else f"{members} networks by {predictions.method}"
        drawing = Curves(
            "Reliability", "mean confidence", "accuracy", {name: line}, has_diagonal=True
        )
        return Evaluation(
            metrics,
            {"calibration": table},
            {"reliability": drawing},
            units=dict.fromkeys(metrics, "%"),
        )
