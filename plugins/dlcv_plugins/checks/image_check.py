"""What checks of single images share: each image on its own, whatever the others are like."""

from abc import abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from dlcv.errors import count
from dlcv.interfaces import plugin
from dlcv_plugins.kinds.check import Check, DatasetFacts, Finding, ImageFacts, Sample, Severity


@plugin
class ImageCheck(Check):
    """Reports the images that have some property, in one finding.

    Names in braces in the texts stand for the check's options.

    Attributes:
        finding: The finding's id.
        severity: The finding's severity.
        singular: What follows "1 image" in the finding's sentence.
        plural: What follows "2 images".
        advice: What to do about them.
    """

    finding: ClassVar[str]
    severity: ClassVar[Severity]
    singular: ClassVar[str]
    plural: ClassVar[str]
    advice: ClassVar[str]

    @abstractmethod
    def detail(self, image: ImageFacts) -> str:
        """Returns how an image has the property, in a few words; an empty text if it doesn't."""

    def findings(self, facts: DatasetFacts) -> list[Finding]:
        """Returns one finding with all images that have a detail."""
        found = [i.sample.with_detail(text) for i in facts.images if (text := self.detail(i))]
        if not found:
            return []
        verb = (self.singular if len(found) == 1 else self.plural).format_map(self.options())
        sentence = f"{count(len(found), 'image')} {verb}"
        return [Finding(self.finding, self.severity, sentence, self.advice, one_by_one(found))]


def one_by_one(samples: Iterable[Sample]) -> tuple[tuple[Sample, ...], ...]:
    """Returns groups of one sample each."""
    return tuple((sample,) for sample in samples)
