"""Classes that are empty or too small to be divided: left out, or named in one line."""

import logging
from collections.abc import Collection, Mapping

import numpy as np

from dlcv.data.subset import Subset
from dlcv.errors import DlcvError, some
from dlcv.interfaces import LabelledImages

logger = logging.getLogger(__name__)

WAYS = "add images, or pass --small-classes skip to leave such classes out"
"""What to do about a class without images."""
WAYS_TO_DIVIDE = f"{WAYS}, or --small-classes train to use them for training alone"
"""What to do about a class with too few images to be divided."""


def without_classes(
    opened: dict[str, LabelledImages], names: Collection[str]
) -> dict[str, LabelledImages]:
    """Returns the splits without some classes, and says which, with their images.

    Raises:
        DlcvError: fewer than two classes would be left.
    """
    found = [images.class_counts() for images in opened.values()]
    few = counted({name: sum(counts.get(name, 0) for counts in found) for name in names})
    left: dict[str, LabelledImages] = {
        split: _without(images, names) for split, images in opened.items()
    }
    if any(len(images.label_names) < 2 for images in left.values()):
        raise DlcvError(f"without the classes of too few images, {few}, less than two are left")
    logger.warning("left out, for having too few images: %s", few)
    return left


def counted(counts: Mapping[str, int]) -> str:
    """Returns classes with their images: `ant (1 image), bee (3 images)`."""
    return some([f"{name} ({n} image{'' if n == 1 else 's'})" for name, n in counts.items()])


def _without(images: LabelledImages, names: Collection[str]) -> Subset:
    kept = tuple(name for name in images.label_names if name not in names)
    new = np.array([kept.index(n) if n in kept else -1 for n in images.label_names], np.int64)
    subset = Subset(images, np.flatnonzero(new[images.labels] >= 0))
    subset.labels = new[subset.labels]
    subset.label_names = kept
    return subset
