"""Classes of very different sizes."""

from dlcv.interfaces import option, plugin
from dlcv_plugins.kinds.check import Check, DatasetFacts, Finding


@plugin
class ClassBalance(Check):
    """Finds out whether always guessing the largest class looks like a good accuracy."""

    ratio: float = option(
        10.0, help="images of the largest class by those of the smallest, at most", ge=1
    )

    def findings(self, facts: DatasetFacts) -> list[Finding]:
        """Returns a finding if the training split is unbalanced; empty classes don't count."""
        counts = {name: n for name, n in facts.training_counts.items() if n}
        if not counts or max(counts.values()) <= self.ratio * min(counts.values()):
            return []
        largest, smallest = (f(counts, key=lambda name: counts[name]) for f in (max, min))
        guessing = counts[largest] / sum(counts.values())
        sentence = (
            f"{largest} has {counts[largest]:,} images to train with and {smallest} "
            f"{counts[smallest]:,}; always guessing {largest} would be right for "
            f"{100 * guessing:.2f} %"
        )
        advice = "collect more of the small classes, and compare recall by class, not accuracy"
        return [Finding("imbalance", "warning", sentence, advice)]
