"""A data set without copies: of each image, one stays."""

import logging

import attrs
import numpy as np

from dlcv import registry
from dlcv.api import Dataset, Subset
from dlcv.errors import DlcvError, count, some
from dlcv.interfaces import SPLITS, LabelledImages
from dlcv_plugins.groupings.duplicates import Duplicates

logger = logging.getLogger(__name__)


@attrs.frozen
class Dropped:
    """An image that was left out.

    Attributes:
        image: Its name.
        copy_of: The name of the image that stays.
    """

    image: str
    copy_of: str


def without_copies(dataset: Dataset, threads: int) -> tuple[Dataset, tuple[Dropped, ...]]:
    """Returns a data set with one image of each group of copies, and what was dropped.

    Test images stay before validation images, and these before training images; those of a test
    part that the data has of its own all stay. What a copy is, the grouping `duplicates` says that
    the division names, else that of the defaults.

    Args:
        dataset: The data set, divided.
        threads: Threads for reading.

    Raises:
        DlcvError: a class would have no image left to train with.
    """
    rules = registry.create_list("grouping", dataset.split.groups or ())
    rule = next((rule for rule in rules if isinstance(rule, Duplicates)), Duplicates())
    names = [name for name in reversed(SPLITS) if name in dataset.splits]
    splits = [dataset.splits[name] for name in names]
    staying = len(splits[0]) if "test" in dataset.store.splits() else 0
    redundant = rule.redundant(splits, threads, staying)
    places = [(images, index) for images in splits for index in range(len(images))]
    is_kept = np.ones(len(places), bool)
    is_kept[list(redundant)] = False
    starts = np.cumsum([0, *map(len, splits)])
    left: dict[str, LabelledImages] = {
        name: Subset(images, np.flatnonzero(is_kept[start : start + len(images)]))
        for name, images, start in zip(names, splits, starts, strict=False)
    }
    train = left["train"].class_counts()
    if lost := [name for name, number in train.items() if not number]:
        raise DlcvError(
            f"without copies, no image of {some(lost)} is left to train with; remove copies from "
            "the other splits first, or pack without --drop-duplicates"
        )
    pairs = [(places[image], places[of]) for image, of in sorted(redundant.items())]
    contradictory = sum(a.labels[i] != b.labels[j] for (a, i), (b, j) in pairs)
    if contradictory:
        logger.warning(
            "%s of another class than the image that stays; see `dlcv data check`",
            f"{count(contradictory, 'dropped image')} {'is' if contradictory == 1 else 'are'}",
        )
    dropped = (Dropped(a.sample_id(i), b.sample_id(j)) for (a, i), (b, j) in pairs)
    splits_left = {name: left[name] for name in dataset.splits}
    return attrs.evolve(dataset, splits=splits_left), tuple(dropped)
