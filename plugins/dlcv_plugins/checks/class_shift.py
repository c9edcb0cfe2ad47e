"""Splits in which the classes have other shares than in training."""

from dlcv.interfaces import UNSPLIT, option, plugin
from dlcv_plugins.kinds.check import Check, DatasetFacts, Finding


@plugin
class ClassShift(Check):
    """Finds splits in which the classes have other shares than in training."""

    share: float = option(
        0.2, help="share of a split's images that would have to change class, at most", ge=0, le=1
    )

    def findings(self, facts: DatasetFacts) -> list[Finding]:
        """Returns one finding with all of them; splits with other classes are another check's."""
        trained = facts.training_counts
        shifts = {
            name: _shift(split.class_counts(), trained)
            for name, split in facts.splits.items()
            if name not in ("train", UNSPLIT)
        }
        parts = [
            f"the classes have other shares in {name} than in training: {100 * shift:.0f} % of its "
            "images would have to change class to match"
            for name, shift in shifts.items()
            if shift > self.share
        ]
        if not parts:
            return []
        advice = (
            "divide the images again at random, class by class, unless the network will meet them "
            "in these shares"
        )
        return [Finding("shifted-classes", "warning", "; ".join(parts), advice)]


def _shift(counts: dict[str, int], trained: dict[str, int]) -> float:
    """Returns half the sum of the differences between two splits' shares, 0 to 1."""
    here, there = sum(counts.values()), sum(trained.values())
    if not here or not there or set(counts) != set(trained):
        return 0.0
    return sum(abs(counts[label] / here - trained[label] / there) for label in counts) / 2
