"""Classes whose names are nearly the same."""

from collections import defaultdict

from dlcv.errors import some
from dlcv.interfaces import plugin
from dlcv_plugins.kinds.check import Check, DatasetFacts, Finding


@plugin
class SimilarNames(Check):
    """Finds classes whose names differ in case, spaces or punctuation only: `Cat` and `cat `."""

    def findings(self, facts: DatasetFacts) -> list[Finding]:
        """Returns one finding with all such classes."""
        spellings: dict[str, set[str]] = defaultdict(set)
        for split in facts.splits.values():
            for name in split.label_names:
                spellings["".join(filter(str.isalnum, name.casefold()))].add(name)
        alike = [
            " and ".join(sorted(names))
            for key, names in spellings.items()
            if key and len(names) > 1
        ]
        if not alike:
            return []
        sentence = f"some classes have nearly the same name: {some(alike)}"
        advice = "if they mean the same, put their images together under one name"
        return [Finding("alike-names", "warning", sentence, advice)]
