"""Classes without images."""

from dlcv.errors import some
from dlcv.interfaces import UNSPLIT, plugin
from dlcv_plugins.kinds.check import Check, DatasetFacts, Finding


@plugin
class EmptyClasses(Check):
    """Finds classes without images, which can't be learned or tested."""

    def findings(self, facts: DatasetFacts) -> list[Finding]:
        """Returns one finding with all of them; an error if they are missing in training."""
        empty = {
            name: [label for label, number in split.class_counts().items() if not number]
            for name, split in facts.splits.items()
        }
        empty = {name: labels for name, labels in empty.items() if labels}
        if not empty:
            return []
        sentence = "; ".join(
            f"{'there is' if name == UNSPLIT else f'the split {name} has'} no image of "
            f"{some(labels)}"
            for name, labels in empty.items()
        )
        if {"train", UNSPLIT} & set(empty):
            return [Finding("empty-class", "error", sentence, "add images, or remove the class")]
        advice = "add images; without them the accuracy of these classes can't be measured"
        return [Finding("empty-class", "warning", sentence, advice)]
