"""Wrong stores of a few images in memory."""

import time
from collections.abc import Callable

import numpy as np

from dlcv.errors import DlcvError
from dlcv.interfaces import DatasetStore, LabelledImages, plugin, stack


class Rows(LabelledImages):
    """Six images in memory, the last of another size."""

    label_names = ("cat", "dog")
    image_shape = (None, None, 3)

    def __init__(self, split):
        self.labels = np.array([0, 1, 0, 1, 0, 1])
        rng = np.random.default_rng(0)
        sizes = [(4, 5, 3)] * 5 + [(6, 5, 3)]
        self.rows = [rng.integers(0, 256, size, np.uint8) for size in sizes]

    def read(self, indices):
        return stack([self.rows[i] for i in indices])

    def sample_id(self, index):
        return f"row {index}"

    def fingerprint(self):
        return "six rows"


@plugin
class Store(DatasetStore):
    """Holds six images."""

    def splits(self):
        return ("train", "test")

    def open(self, split):
        if split not in self.splits():
            raise DlcvError(f"no split {split}")
        return Rows(split)


def store(rows=Rows, **members):
    """Returns what makes a store of `rows(split)`, or with other members."""

    def open_split(self, split):
        Store.open(self, split)
        return rows(split)

    body = {"__doc__": "Holds what a test wants.", "open": open_split, **members}
    return lambda: plugin(type("Changed", (Store,), body))()


def rows(**members):
    """Returns what makes a store whose splits differ from `Rows`."""
    return store(type("ChangedRows", (Rows,), members))


def opening(error):
    """Returns what makes a store that answers an unknown split with an error, or with images."""

    def open_any(self, split):
        if error and split not in self.splits():
            raise error(split)
        return Rows(split)

    return store(open=open_any)


class Small(Rows):
    """Has labels of 32 bits."""

    def __init__(self, split):
        super().__init__(split)
        self.labels = self.labels.astype(np.int32)


class Swapped(Rows):
    """Has another order of classes in each split."""

    def __init__(self, split):
        super().__init__(split)
        self.label_names = ("cat", "dog") if split == "train" else ("dog", "cat")


def read_slowly(self, indices):
    images = []
    for self.at in indices:
        time.sleep(1e-4)
        images.append(self.rows[self.at])
    return stack(images)


def recognising(function):
    """Returns what makes a store that recognizes what `function(cls, path)` returns."""
    return store(recognise=classmethod(function))


def fragile(cls, path):
    return cls() if any(file.suffix == ".npy" for file in path.iterdir()) else None


SPLITS, LABELS = {"splits_are_known_names", ...}, {"labels_fit_their_names", ...}
SHAPE, IDS = {"images_have_the_shape_that_is_told"}, {"sample_ids_are_distinct"}
RECOGNISED = {"only_data_sets_are_recognised"}
WRONG: dict[str, tuple[Callable, set]] = {
    "undivided and divided": (store(splits=lambda self: ("all", "test")), SPLITS),
    "nothing to train with": (store(splits=lambda self: ("test",)), SPLITS),
    "unknown split": (store(splits=lambda self: ("train", "extra")), SPLITS),
    "no split": (store(splits=lambda self: ()), SPLITS),
    "a split twice": (
        store(splits=lambda self: ("train", "train")),
        {"splits_are_known_names"},
    ),
    "opens any split": (opening(None), {"unknown_split_is_refused"}),
    "another error for a split": (opening(KeyError), {"unknown_split_is_refused"}),
    "names in a list": (rows(label_names=["cat", "dog"]), LABELS),
    "names twice": (rows(label_names=("cat", "cat")), LABELS),
    "fewer names than labels": (rows(label_names=("cat",)), LABELS),
    "fewer images than labels": (rows(__len__=lambda self: 5), LABELS),
    "labels of 32 bits": (store(Small), {"labels_fit_their_names"}),
    "names of each split": (store(Swapped), {"labels_fit_their_names"}),
    "other size than told": (rows(image_shape=(4, 5, 3)), SHAPE),
    "other channels than told": (rows(image_shape=(None, None, 1)), SHAPE),
    "no channels told": (rows(image_shape=(None, None)), SHAPE),
    "float images": (
        rows(read=lambda self, indices: [self.rows[i].astype(np.float32) for i in indices]),
        SHAPE,
    ),
    "sorts what is asked for": (
        rows(read=lambda self, indices: stack([self.rows[i] for i in sorted(indices)])),
        {"images_are_read_in_any_order"},
    ),
    "shared by threads": (rows(read=read_slowly), {"images_are_read_by_several_threads"}),
    "one id for all": (rows(sample_id=lambda self, i: "row"), IDS),
    "ids that are no texts": (rows(sample_id=lambda self, i: i), IDS),
    "fingerprint of the moment": (
        rows(fingerprint=lambda self: str(np.random.rand())),
        {"fingerprint_is_stable"},
    ),
    "empty fingerprint": (rows(fingerprint=lambda self: ""), {"fingerprint_is_stable"}),
    "recognise takes everything": (recognising(lambda cls, path: cls()), RECOGNISED),
    "recognise raises": (recognising(fragile), RECOGNISED),
}
