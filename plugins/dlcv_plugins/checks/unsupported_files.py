"""Images in formats that dlcv doesn't read."""

from dlcv.errors import count
from dlcv.images import unread_by_extension
from dlcv.interfaces import plugin
from dlcv_plugins.checks.image_check import one_by_one
from dlcv_plugins.kinds.check import Check, DatasetFacts, Finding, Sample


@plugin
class UnsupportedFiles(Check):
    """Finds image files in formats that are not read, by their extensions."""

    def findings(self, facts: DatasetFacts) -> list[Finding]:
        """Returns one finding with all of them."""
        samples = [Sample(path) for path in facts.other_files if unread_by_extension([path])]
        if not samples:
            return []
        extensions = ", ".join(sorted(unread_by_extension(s.name for s in samples)))
        verb = "has" if len(samples) == 1 else "have"
        sentence = f"{count(len(samples), 'file')} {verb} a format that is not read ({extensions})"
        advice = "convert them to JPEG or PNG to use them"
        return [Finding("unread-images", "warning", sentence, advice, one_by_one(samples))]
