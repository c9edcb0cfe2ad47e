"""Wrong groupings."""

import itertools
from collections.abc import Callable

import numpy as np

from dlcv.interfaces import Grouping, plugin

CALLS = itertools.count()


def grouping(ids):
    """Returns what makes a grouping with the numbers `ids(images)`."""
    body = {
        "__doc__": "Groups images as a test wants.",
        "group_ids": lambda self, images, store, threads: ids(images),
    }
    return lambda: plugin(type("Called", (Grouping,), body))()


NUMBERS = {"ids_are_whole_numbers_and_repeatable"}
WRONG: dict[str, tuple[Callable, set]] = {
    "one number for all": (grouping(lambda images: np.int64(0)), NUMBERS),
    "a number for each class": (grouping(lambda images: np.arange(2)), NUMBERS),
    "names": (grouping(lambda images: [images.sample_id(i) for i in range(12)]), NUMBERS),
    "fractions": (grouping(lambda images: np.arange(12) / 2), NUMBERS),
    "counts its calls": (grouping(lambda images: np.arange(12) + next(CALLS)), NUMBERS),
    "fails": (grouping(lambda images: images.labels[12]), NUMBERS),
}
