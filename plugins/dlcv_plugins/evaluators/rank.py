"""Rank-1 and rank-k accuracy."""

from dlcv.errors import DlcvError
from dlcv.interfaces import Evaluation, Evaluator, Predictions, option, plugin
from dlcv_plugins.evaluators.answers import true_class_ranks
from dlcv_plugins.evaluators.intervals import is_clearly_above, wilson


@plugin
class Rank(Evaluator):
    """Counts how often the true class is the most probable one, and how often among the first k."""

    k: int | None = option(None, help="how many classes count; 5 where there are more", ge=1)

    def evaluate(self, predictions: Predictions) -> Evaluation:
        """Metrics `rank1`, `rank{k}` and `largest_class`: shares of the samples, from 0 to 1.

        Where some samples have copies among the training images, there are
        `copies_in_training`, the share of such samples, and `accuracy_without_copies`, rank-1 of
        the others, with a note.

        `largest_class` is the accuracy of always predicting the class with most samples. A class as
        probable as the true one counts as ahead of it, so that a network that gives every class the
        same probability gets no credit. The ranks have Wilson intervals. Where that of `rank1`
        reaches down to `largest_class`, a note says so.

        Raises:
            DlcvError: `k` is larger than the number of classes.
        """
        import numpy as np

        classes = len(predictions.label_names)
        if self.k is not None and self.k > classes:
            raise DlcvError(
                f"rank: k is {self.k}, but there are only {classes} classes; "
                f"choose {classes} at most"
            )
        ranks = true_class_ranks(predictions.combined, predictions.labels)
        samples = len(ranks)
        counted = sorted({1, self.k or (5 if classes > 5 else 1)})
        right = {f"rank{k}": int((ranks <= k).sum()) for k in counted}
        metrics = {name: count / samples for name, count in right.items()}
        largest = int(np.bincount(predictions.labels).max()) / samples
        metrics["largest_class"] = largest
        intervals = {name: wilson(count, samples) for name, count in right.items()}
        notes = []
        if predictions.has_copy is not None and predictions.has_copy.any():
            copies, new = int(predictions.has_copy.sum()), ranks[~predictions.has_copy]
            metrics["copies_in_training"] = copies / samples
            note = f"{copies:,} of the {samples:,} images have a copy among the training images"
            if len(new):
                right_new = int((new == 1).sum())
                metrics["accuracy_without_copies"] = right_new / len(new)
                intervals["accuracy_without_copies"] = wilson(right_new, len(new))
                note += f"; without them, rank-1 is {100 * right_new / len(new):.2f} %"
            notes.append(note)
        low, _ = intervals["rank1"]
        doubt = (
            f"always predicting the largest class scores {100 * largest:.2f} %, and rank-1 is not "
            f"clearly above that: its 95 % interval starts at {100 * low:.1f} %"
        )
        return Evaluation(
            metrics,
            intervals=intervals,
            units=dict.fromkeys(metrics, "%"),
            notes=(
                *notes,
                *([] if is_clearly_above(right["rank1"], samples, largest) else [doubt]),
            ),
        )
