"""Grey images among images in color, and the classes that they belong to."""

from dlcv.errors import count
from dlcv.interfaces import option, plugin
from dlcv_plugins.checks.image_check import one_by_one
from dlcv_plugins.checks.telling import DIFFERENCE, telling_class
from dlcv_plugins.kinds.check import Check, DatasetFacts, Finding


@plugin
class GreyImages(Check):
    """Finds grey images among images in color; a warning where color gives away the class."""

    difference: float = option(
        DIFFERENCE,
        help="difference between a class's share of grey images and the others'",
        gt=0,
        le=1,
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
        telling = telling_class(seen, grey, self.difference)
        if telling is None:
            advice = "nothing has to be done: they are read with three equal channels"
            return [Finding("grey", "note", sentence, advice, groups)]
        label, of_class, number, of_others, others = telling
        sentence = (
            f"{sentence}, and color gives away a class: {of_class:,} of the {number:,} images of "
            f"{label} are grey, and {of_others:,} of the {others:,} others"
        )
        advice = (
            "collect grey and colored images of every class, or train without color "
            "(color_mode=grayscale): the network can learn the color instead of the class"
        )
        return [Finding("grey", "warning", sentence, advice, groups)]


def _all_grey() -> Finding:
    return Finding(
        "grey",
        "note",
        "all images are grey, in three equal channels",
        "train on one channel, which is faster and loses nothing: use a store that has "
        "color_mode=grayscale, such as folder",
    )
