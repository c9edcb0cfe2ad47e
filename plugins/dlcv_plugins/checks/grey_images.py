"""Grey images among images in color, and the classes that they belong to."""

from collections import Counter

from dlcv.errors import count
from dlcv.interfaces import option, plugin
from dlcv_plugins.checks.image_check import one_by_one
from dlcv_plugins.kinds.check import Check, DatasetFacts, Finding, ImageFacts

FEWEST = 10
"""Images of a class, and of all others, from which on their shares are compared."""
STANDARD_ERRORS = 4
"""A class's share must differ from that of the others by as many; less happens by chance."""


@plugin
class GreyImages(Check):
    """Finds grey images among images in color; a warning where color gives away the class."""

    difference: float = option(
        0.2, help="difference between a class's share of grey images and the others'", gt=0, le=1
    )

    def findings(self, facts: DatasetFacts) -> list[Finding]:
        """Returns one finding: all images are grey, some are, or some that give away a class."""
        seen = [i for i in facts.images if i.pixels is not None and not i.pixels.is_blank]
        grey = [i for i in seen if i.pixels is not None and i.pixels.is_grey]
        wants_color = any(split.image_shape[2] == 3 for split in facts.splits.values())
        if not grey or not wants_color:
            return []
        if len(grey) == len(seen):
            return [_all_grey()]
        is_one = len(grey) == 1
        sentence = (
            f"{count(len(grey), 'image')} {'is' if is_one else 'are'} grey among images in color"
        )
        groups = one_by_one(image.sample for image in grey)
        telling = self._most_telling(seen, grey)
        if not telling:
            advice = "nothing has to be done: they are read with three equal channels"
            return [Finding("grey", "note", sentence, advice, groups)]
        sentence = f"{sentence}, and color gives away a class: {telling}"
        advice = (
            "collect grey and colored images of every class, or train without color "
            "(color_mode=grayscale): the network can learn the color instead of the class"
        )
        return [Finding("grey", "warning", sentence, advice, groups)]

    def _most_telling(self, seen: list[ImageFacts], grey: list[ImageFacts]) -> str:
        """Returns the class whose share of grey images differs most from the others', in words.

        The text is empty if no class differs by more than `difference`, or than by chance.
        """
        by_class = Counter(image.sample.label for image in seen)
        grey_by_class = Counter(image.sample.label for image in grey)
        pooled = len(grey) / len(seen)
        largest, text = self.difference, ""
        for label, images in by_class.items():
            others, grey_others = len(seen) - images, len(grey) - grey_by_class[label]
            if min(images, others) < FEWEST:
                continue
            difference = abs(grey_by_class[label] / images - grey_others / others)
            error = (pooled * (1 - pooled) * (1 / images + 1 / others)) ** 0.5
            if difference >= largest and difference > STANDARD_ERRORS * error:
                largest = difference
                text = (
                    f"{grey_by_class[label]:,} of the {images:,} images of {label} are grey, and "
                    f"{grey_others:,} of the {others:,} others"
                )
        return text


def _all_grey() -> Finding:
    return Finding(
        "grey",
        "note",
        "all images are grey, in three equal channels",
        "train on one channel, which is faster and loses nothing: use a store that has "
        "color_mode=grayscale, such as folder",
    )
