"""Classes with few images to train with."""

from dlcv.errors import count, some
from dlcv.interfaces import option, plugin
from dlcv_plugins.kinds.check import Check, DatasetFacts, Finding


@plugin
class SmallClasses(Check):
    """Finds classes with few images to train with."""

    fewest: int = option(30, help="images of a class below which it counts", ge=1)

    def findings(self, facts: DatasetFacts) -> list[Finding]:
        """Returns one finding with all such classes; empty ones are another check's."""
        few = {name: n for name, n in facts.training_counts.items() if 0 < n < self.fewest}
        if not few:
            return []
        named = some(f"{name} ({number})" for name, number in few.items())
        have = "has" if len(few) == 1 else "have"
        sentence = (
            f"{count(len(few), 'class', 'classes')} {have} fewer than {self.fewest} images to "
            f"train with: {named}"
        )
        advice = "collect more, or start from a pretrained network (dlcv transfer)"
        return [Finding("few-images", "warning", sentence, advice)]
