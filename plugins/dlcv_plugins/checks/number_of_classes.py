"""Whether there is something to tell apart."""

from dlcv.errors import some
from dlcv.interfaces import plugin
from dlcv_plugins.kinds.check import Check, DatasetFacts, Finding


@plugin
class NumberOfClasses(Check):
    """Finds out whether there are at least two classes."""

    def findings(self, facts: DatasetFacts) -> list[Finding]:
        """Returns a finding if there are fewer."""
        names = facts.training_counts
        if len(names) > 1:
            return []
        sentence = f"there is only one class, {some(names)}" if names else "there is no class"
        advice = "add images of what to tell it apart from: a classifier needs two classes"
        return [Finding("one-class", "error", sentence, advice)]
