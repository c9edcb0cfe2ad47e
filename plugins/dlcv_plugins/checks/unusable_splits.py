"""Splits that can't be opened."""

from dlcv.interfaces import plugin
from dlcv_plugins.kinds.check import Check, DatasetFacts, Finding


@plugin
class UnusableSplits(Check):
    """Finds splits that can't be opened, such as a damaged file of a packed data set."""

    def findings(self, facts: DatasetFacts) -> list[Finding]:
        """Returns one finding with all of them."""
        if not facts.unusable:
            return []
        reasons = [f"the split {name} can't be used: {why}" for name, why in facts.unusable.items()]
        advice = "mend what the message names; nothing else of such a split is checked"
        return [Finding("unusable-split", "error", "; ".join(reasons), advice)]
