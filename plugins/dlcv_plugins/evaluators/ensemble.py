"""Networks beside what they say together."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

from dlcv.errors import DlcvError
from dlcv.interfaces import (
    Combination,
    Evaluation,
    Evaluator,
    Predictions,
    Table,
    combine,
    option,
    plugin,
)
from dlcv_plugins.evaluators.answers import true_class_ranks
from dlcv_plugins.evaluators.intervals import paired_difference, wilson

if TYPE_CHECKING:
    import numpy as np

    Named = tuple[str, np.ndarray]


@plugin
class Ensemble(Evaluator):
    """Compares the accuracy of several networks with that of their combination."""

    method: Combination = option("mean", help="how the networks are combined")

    def evaluate(self, predictions: Predictions) -> Evaluation:
        """Metrics `ensemble_rank1`, `members_rank1` and `ensemble_gain`, and a table.

        `members_rank1` is the average of the members' rank-1 accuracies, and the gain is by how
        much the combination is above it. The table tells each member and each way to combine them;
        `weighted` where all validation accuracies are known. The accuracies have Wilson
        intervals, the gain has Bonett and Price's for accuracies on the same samples.

        Raises:
            DlcvError: there is one network only, or it can't be combined by `method`.
        """
        import numpy as np

        members = predictions.probabilities
        if len(members) < 2:
            raise DlcvError(
                "ensemble: the predictions are of one network, and it takes several; "
                "name several runs: dlcv evaluate RUN RUN --eval ensemble"
            )
        labels, weights = predictions.labels, predictions.validation_accuracies
        each = np.array([true_class_ranks(member, labels) == 1 for member in members])
        is_weighted = len(weights) == len(members) and any(weights)
        known = [m for m in get_args(Combination) if m != "weighted" or is_weighted]
        together = {
            method: true_class_ranks(combine(members, method, weights), labels) == 1
            for method in {*known, self.method}
        }
        chosen = together[self.method]
        gains = chosen - each.mean(axis=0)
        metrics = {
            "ensemble_rank1": float(chosen.mean()),
            "members_rank1": float(each.mean()),
            "ensemble_gain": float(chosen.mean() - each.mean()),
        }
        intervals = {
            "ensemble_rank1": wilson(int(chosen.sum()), len(chosen)),
            "ensemble_gain": paired_difference(gains, 1 / len(members)),
        }
        names = predictions.member_names or [f"member {i + 1}" for i in range(len(members))]
        combined = [(f"ensemble by {method}", together[method]) for method in known]
        table = _table([*zip(names, each, strict=True)], combined)
        return Evaluation(
            metrics,
            {"ensemble": table},
            intervals=intervals,
            units=dict.fromkeys(metrics, "%"),
        )


def _table(members: "Sequence[Named]", together: "Sequence[Named]") -> Table:
    """Returns accuracies side by side, from which samples are right, `(samples,)` bool."""
    average = sum(float(right.mean()) for _, right in members) / len(members)
    rows = [
        *((name, *_accuracy(right)) for name, right in members),
        ("average of the members", average, ""),
        *((name, *_accuracy(right)) for name, right in together),
    ]
    return Table("Members and ensemble", ("network", "rank1", "95 % interval"), tuple(rows))


def _accuracy(right: "np.ndarray") -> tuple[float, str]:
    """Returns the share of samples that are right, and its interval as text."""
    low, high = wilson(int(right.sum()), len(right))
    return float(right.mean()), f"{low:.4f} to {high:.4f}"
