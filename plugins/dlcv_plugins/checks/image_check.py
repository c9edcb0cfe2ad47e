"""What checks of single images share: each image on its own, whatever the others are like."""

from abc import abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from dlcv.errors import count
from dlcv.interfaces import plugin
from dlcv_plugins.checks.telling import telling_class
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
        is_seen: Whether a network sees the property, so that it may learn it instead of a class.
    """

    finding: ClassVar[str]
    severity: ClassVar[Severity]
    singular: ClassVar[str]
    plural: ClassVar[str]
    advice: ClassVar[str]
    is_seen: ClassVar[bool] = True

    @abstractmethod
    def detail(self, image: ImageFacts) -> str:
        """Returns how an image has the property, in a few words; an empty text if it doesn't."""

    def findings(self, facts: DatasetFacts) -> list[Finding]:
        """Returns one finding with all images that have a detail.

        Where most of them are of one class, it says so.
        """
        having = {i: text for i, image in enumerate(facts.images) if (text := self.detail(image))}
        if not having:
            return []
        found = [facts.images[i].sample.with_detail(text) for i, text in having.items()]
        verb = (self.singular if len(found) == 1 else self.plural).format_map(self.options())
        sentence, advice = f"{count(len(found), 'image')} {verb}", self.advice
        severity: Severity = self.severity
        if telling := telling_class(facts.images, (facts.images[i] for i in having)):
            label, of_class, number, of_others, others = telling
            sentence += (
                f"; they are {of_class:,} of the {number:,} images of {label}, and {of_others:,} "
                f"of the {others:,} others"
            )
            if self.is_seen:
                advice += "; as it is, the network can learn this instead of the class"
                severity = "warning" if severity == "note" else severity
        return [Finding(self.finding, severity, sentence, advice, one_by_one(found))]


def one_by_one(samples: Iterable[Sample]) -> tuple[tuple[Sample, ...], ...]:
    """Returns groups of one sample each."""
    return tuple((sample,) for sample in samples)
