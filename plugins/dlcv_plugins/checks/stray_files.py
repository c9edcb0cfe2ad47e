"""Files that are no images."""

import os
from collections import Counter

from dlcv.errors import count
from dlcv.images import is_image_file, unread_by_extension
from dlcv.interfaces import plugin
from dlcv_plugins.checks.image_check import one_by_one
from dlcv_plugins.kinds.check import Check, DatasetFacts, Finding, Sample


@plugin
class StrayFiles(Check):
    """Finds files among the images that are no images."""

    def findings(self, facts: DatasetFacts) -> list[Finding]:
        """Returns one finding with all of them."""
        samples = [
            Sample(path)
            for path in facts.other_files
            if not is_image_file(path) and not unread_by_extension([path])
        ]
        if not samples:
            return []
        kinds = Counter(map(_kind, samples))
        listed = ", ".join(f"{number:,} {kind}" for kind, number in kinds.most_common(5))
        verb = "is no image and is" if len(samples) == 1 else "are no images and are"
        sentence = f"{count(len(samples), 'file')} {verb} not read ({listed})"
        advice = "nothing has to be done if they belong there"
        return [Finding("strays", "note", sentence, advice, one_by_one(samples))]


def _kind(sample: Sample) -> str:
    """Returns a file's extension, or its name where it has none."""
    return os.path.splitext(sample.name)[1].lower() or os.path.basename(sample.name)
