"""Splits with different classes."""

from dlcv.errors import some
from dlcv.interfaces import plugin
from dlcv_plugins.kinds.check import Check, DatasetFacts, Finding


@plugin
class DifferingClasses(Check):
    """Finds classes that are in one split and not in another: never learned, or never tested."""

    def findings(self, facts: DatasetFacts) -> list[Finding]:
        """Returns one finding with all splits whose classes are not those of the first."""
        classes = {name: set(split.label_names) for name, split in facts.splits.items()}
        first = next(iter(classes), "")
        differing = {name: sorted(classes[first] ^ names) for name, names in classes.items()}
        parts = [
            f"the splits {first} and {name} differ in the classes {some(labels)}"
            for name, labels in differing.items()
            if labels
        ]
        if not parts:
            return []
        advice = "give every split the same classes; rename folders that mean the same"
        return [Finding("differing-classes", "error", "; ".join(parts), advice)]
