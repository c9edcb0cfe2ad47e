"""Images that lie outside of the class folders."""

from dlcv.errors import count
from dlcv.images import is_image_file
from dlcv.interfaces import plugin
from dlcv_plugins.checks.image_check import one_by_one
from dlcv_plugins.kinds.check import Check, DatasetFacts, Finding, Sample


@plugin
class MisplacedImages(Check):
    """Finds images that belong to no class by the place of their file, and so are not read."""

    def findings(self, facts: DatasetFacts) -> list[Finding]:
        """Returns one finding with all of them."""
        samples = [Sample(path) for path in facts.other_files if is_image_file(path)]
        if not samples:
            return []
        verb = "belongs to no class and is" if len(samples) == 1 else "belong to no class and are"
        sentence = f"{count(len(samples), 'image')} {verb} not read"
        advice = "move each to where its class is stated, such as a class folder, or remove it"
        return [Finding("images-without-class", "warning", sentence, advice, one_by_one(samples))]
