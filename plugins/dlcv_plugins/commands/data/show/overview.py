"""What a data set holds: its splits and classes, and the properties of some of its images."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from dlcv import registry
from dlcv.api import chunks, read_ahead, read_toml, track
from dlcv.errors import DlcvError, ImageError
from dlcv.interfaces import DESCRIPTION, DatasetStore, LabelledImages

MOST_READ = 1000
"""Images of a split that are decoded at most; spread over it, since data is often sorted by class.
"""
FIRST_LABELS = 10
CHUNK = 16


@attrs.frozen
class Pixels:
    """The properties of a split's images, as far as they were read.

    Attributes:
        looked_at: The number of images that were read.
        shapes: How often each shape `(H, W, C)` occurs, the most common first.
        dtypes: Their types.
        low: The smallest value.
        high: The largest value.
        mean: The mean of the images' means by channel, `R`, `G` and `B`, or `grey`.
        unreadable: Why others can't be read, by name.
    """

    looked_at: int
    shapes: dict[tuple[int, ...], int]
    dtypes: list[str]
    low: int
    high: int
    mean: dict[str, float]
    unreadable: list[str]


@attrs.frozen(eq=False)
class Overview:
    """What a data set holds.

    Attributes:
        store: The store with its options, as text.
        counts: The number of images by split and class.
        split: The split whose images were read.
        images: Its images.
        pixels: The properties of these.
        packed: The content of `dataset.toml`; empty unless the data is packed.
    """

    store: str
    counts: dict[str, dict[str, int]]
    split: str
    images: LabelledImages
    pixels: Pixels
    packed: dict[str, Any]

    @property
    def totals(self) -> dict[str, int]:
        """The number of images by split."""
        return {split: sum(classes.values()) for split, classes in self.counts.items()}

    @property
    def by_class(self) -> dict[str, tuple[int, ...]]:
        """The number of images by class, a number a split; 0 where a split lacks the class."""
        names = dict.fromkeys(name for classes in self.counts.values() for name in classes)
        return {name: tuple(c.get(name, 0) for c in self.counts.values()) for name in names}

    @property
    def first_labels(self) -> list[str]:
        """The labels of the first images."""
        return [self.images.label_names[label] for label in self.images.labels[:FIRST_LABELS]]

    def as_json(self) -> dict[str, Any]:
        """Returns all of it as JSON has it; dates of `dataset.toml` become text."""
        shapes = [{"shape": list(s), "images": n} for s, n in self.pixels.shapes.items()]
        return {
            "store": self.store,
            "images": self.totals,
            "images_by_class": self.counts,
            "split": self.split,
            "first_labels": self.first_labels,
            **attrs.asdict(attrs.evolve(self.pixels, shapes={})),
            "shapes": shapes,
            "packed": self.packed,
        }


def overview_of(store: DatasetStore, split: str | None = None, *, threads: int = 1) -> Overview:
    """Returns what a data set holds; at most `MOST_READ` images of one split are read.

    Args:
        store: Where the images are.
        split: The split whose images are read; by default the first, `train` or all there is.
        threads: Threads for reading.

    Raises:
        DlcvError: there is no such split, or it holds no image that can be read.
    """
    names = store.splits()
    split = names[0] if split is None else split
    if split not in names:
        raise DlcvError(f'the data has no split "{split}"; it has {", ".join(names)}')
    opened = {name: store.open(name) for name in names}
    return Overview(
        store=str(registry.spec_of(store)),
        counts={name: images.class_counts() for name, images in opened.items()},
        split=split,
        images=opened[split],
        pixels=pixels_of(opened[split], threads),
        packed=_packed_description(store),
    )


def pixels_of(images: LabelledImages, threads: int) -> Pixels:
    """Reads some images, spread over the split, and returns their properties.

    Raises:
        DlcvError: none can be read.
    """
    indices = np.linspace(0, len(images) - 1, min(len(images), MOST_READ)).astype(int)

    def read(positions: range) -> list[tuple[Any, ...] | ImageError]:
        return [_facts(images, int(indices[p])) for p in positions]

    seen: list[tuple[Any, ...]] = []
    unreadable: list[ImageError] = []
    with track("reading images", len(indices), "images") as progress:
        for found in read_ahead(read, chunks(len(indices), CHUNK), threads):
            seen += [facts for facts in found if not isinstance(facts, ImageError)]
            unreadable += [error for error in found if isinstance(error, ImageError)]
            progress(len(found))
    if not seen:
        raise unreadable[0] if unreadable else DlcvError("the data has no images")
    shapes, dtypes, lows, highs, means = zip(*seen, strict=True)
    channels = "RGB" if images.image_shape[2] == 3 else ("grey",)
    return Pixels(
        looked_at=len(indices),
        shapes=dict(Counter(shapes).most_common()),
        dtypes=sorted(set(dtypes)),
        low=min(lows),
        high=max(highs),
        mean=dict(zip(channels, np.mean(means, axis=0).tolist(), strict=True)),
        unreadable=[str(error) for error in unreadable],
    )


def examples(images: LabelledImages, count: int, seed: int) -> list[tuple[str, np.ndarray]]:
    """Returns some images with their labels, of as many classes as there are places.

    Args:
        images: The images of a split.
        count: How many; fewer are returned where fewer can be read.
        seed: Decides which.

    Returns:
        The class's name and the image `(H, W, C)`, in the order of the classes.
    """
    chosen: list[tuple[int, np.ndarray]] = []
    for index in _drawn(images.labels, seed):
        image = _read(images, index)
        if not isinstance(image, ImageError):
            chosen.append((int(images.labels[index]), image))
        if len(chosen) == count:
            break
    chosen.sort(key=lambda pair: pair[0])
    return [(images.label_names[label], image) for label, image in chosen]


def _drawn(labels: np.ndarray, seed: int) -> Iterator[int]:
    """Yields every index once: one of each class in a random order, then a second of each."""
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(labels))
    turn = rng.permutation(labels.max() + 1)
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    counts = np.bincount(labels)
    in_class = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    yield from by_class[np.lexsort((turn[labels[by_class]], in_class))].tolist()


def _facts(images: LabelledImages, index: int) -> tuple[Any, ...] | ImageError:
    """Returns shape, type, least and greatest value, and mean by channel."""
    image = _read(images, index)
    if isinstance(image, ImageError):
        return image
    mean = image.mean(axis=(0, 1), dtype=np.float64)
    return image.shape, str(image.dtype), int(image.min()), int(image.max()), mean


def _read(images: LabelledImages, index: int) -> np.ndarray | ImageError:
    try:
        return images.read([index])[0]
    except ImageError as error:
        return error


def _packed_description(store: DatasetStore) -> dict[str, Any]:
    """Returns the description beside packed data, or nothing where there is no such file."""
    path = getattr(store, "path", None)
    if not isinstance(path, Path):
        return {}
    described = (path if path.is_dir() else path.parent) / DESCRIPTION
    return read_toml(described) if described.is_file() else {}
