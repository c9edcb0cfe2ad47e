"""Whether there is something to train on."""

from dlcv.errors import some
from dlcv.interfaces import UNSPLIT, plugin
from dlcv_plugins.kinds.check import Check, DatasetFacts, Finding


@plugin
class TrainingSplit(Check):
    """Finds out whether there is a split to train on."""

    def findings(self, facts: DatasetFacts) -> list[Finding]:
        """Returns a finding if there is neither a training split nor an undivided data set."""
        names = [*facts.splits, *facts.unusable]
        if {"train", UNSPLIT} & set(names):
            return []
        sentence = "there is no split to train on"
        if names:
            sentence += f"; the data has only {some(names)}"
        advice = "put the images to train with into a split train"
        return [Finding("no-training-split", "error", sentence, advice)]
