"""Handwritten digits with an illness, as a store in memory: shuffled labels, another kind of test.

The digits are scikit-learn's, 8 x 8 pixels; `enlarged` ones have 16 x 16.
"""

import functools
import hashlib

import numpy as np

from dlcv.interfaces import UNSPLIT, DatasetStore, LabelledImages, option, plugin
from dlcv.registry import registry


@plugin
class IllDigits(DatasetStore):
    """Digits with the illness of a name."""

    illness: str = option(help="which")

    def splits(self):
        return tuple(data_set(self.illness))

    def open(self, split):
        return Arrays(*data_set(self.illness)[split], split)


class Arrays(LabelledImages):
    def __init__(self, images, labels, split):
        self.images, self.labels, self.split = images, labels.astype(np.int64), split
        self.label_names = tuple(str(name) for name in range(10))
        self.image_shape = images.shape[1:]

    def read(self, indices):
        return self.images[indices]

    def sample_id(self, index):
        return f"{self.split}[{index}]"

    def fingerprint(self):
        return hashlib.sha256(self.images.tobytes() + self.labels.tobytes()).hexdigest()


@functools.cache
def data_set(illness):
    """Returns `{split: (images, labels)}`."""
    digits = registry.create("store", "digits").open(UNSPLIT)
    images, labels = digits.read(np.arange(len(digits))), digits.labels
    rng = np.random.default_rng(0)
    order = rng.permutation(len(labels))
    train, val, test = np.split(order, [1100, 1450])
    if illness == "shuffled":
        return {UNSPLIT: (images, rng.permutation(labels))}
    if illness == "noisy":
        wrong = rng.random(len(labels)) < 0.3
        return {UNSPLIT: (images, np.where(wrong, rng.integers(0, 10, len(labels)), labels))}
    if illness == "negative_test":
        return {
            "train": (images[train], labels[train]),
            "val": (images[val], labels[val]),
            "test": (255 - images[test], labels[test]),
        }
    if illness == "negative_validation":
        return {
            "train": (images[train], labels[train]),
            "val": (255 - images[val], labels[val]),
            "test": (255 - images[test], labels[test]),
        }
    if illness == "copies":
        leaked = np.concatenate([train[: len(test) // 2], test[: len(test) // 2]])
        return {
            "train": (images[train], labels[train]),
            "val": (images[val], labels[val]),
            "test": (images[leaked], labels[leaked]),
        }
    if illness == "class_of_three":
        kept = np.sort([*np.flatnonzero(labels != 9), *np.flatnonzero(labels == 9)[:3]])
        return {UNSPLIT: (images[kept], labels[kept])}
    if illness == "nearly_one_class":
        # Of the others, there is little, and nothing to recognize: their pixels are shuffled.
        kept = np.sort([*order[labels[order] == 1], *order[labels[order] != 1][:90]])
        noise = rng.permuted(images.reshape(len(images), -1), axis=1).reshape(images.shape)
        return {UNSPLIT: (noise[kept], labels[kept])}
    raise ValueError(illness)
