"""Whether a property of images gives away a class, so that a network can learn it instead."""

from collections import Counter
from collections.abc import Iterable

from dlcv_plugins.kinds.check import ImageFacts

FEWEST = 10
"""Images of a class, and of all others, from which on their shares are compared."""
STANDARD_ERRORS = 4
"""A class's share must differ from that of the others by as many; less happens by chance."""
DIFFERENCE = 0.2
"""The shares differ by as much at least, as standard."""


def telling_class(
    images: Iterable[ImageFacts], having: Iterable[ImageFacts], difference: float = DIFFERENCE
) -> tuple[str, int, int, int, int] | None:
    """Returns the class whose share of images with a property differs most from the others'.

    Args:
        images: All images that may have the property.
        having: Those that have it.
        difference: The shares differ by as much at least, and by more than chance.

    Returns:
        The class; how many of its images have the property, and how many it has; and how many of
        the others have it, and how many these are. None if no class differs.
    """
    by_class = Counter(image.sample.label for image in images)
    of_class = Counter(image.sample.label for image in having)
    total, found = by_class.total(), of_class.total()
    pooled = found / total if total else 0
    telling, largest = None, (difference, 0.0)
    for label, number in by_class.items():
        others, of_others = total - number, found - of_class[label]
        if min(number, others) < FEWEST:
            continue
        differs = abs(of_class[label] / number - of_others / others)
        error = (pooled * (1 - pooled) * (1 / number + 1 / others)) ** 0.5
        # Of two classes, both differ as much: that which has the property is named.
        rank = (differs, of_class[label] / number)
        if rank >= largest and differs > STANDARD_ERRORS * error:
            largest = rank
            telling = (label, of_class[label], number, of_others, others)
    return telling
