"""Figures about a data set that are shown whatever the checks find: its classes and sizes."""

from collections import Counter
from statistics import median

import attrs

from dlcv_plugins.kinds.check import DatasetFacts


@attrs.frozen
class Classes:
    """The classes of a data set.

    Attributes:
        counts: Images by class and split, classes in the order of their names.
        largest: The largest class of the split that is trained on; empty if there is none.
        guessing: The accuracy there of always guessing that class, 0 to 1.
    """

    counts: dict[str, dict[str, int]]
    largest: str
    guessing: float


@attrs.frozen
class Sizes:
    """The sizes of a data set's images, in pixels.

    Attributes:
        heights: Smallest, median and largest height.
        widths: Smallest, median and largest width.
        aspects: Smallest, median and largest width divided by height.
        most_common: `(height, width)` that most images have.
        most_common_share: The share of images that have it.
        different: The number of different shapes.
    """

    heights: tuple[int, float, int]
    widths: tuple[int, float, int]
    aspects: tuple[float, float, float]
    most_common: tuple[int, int]
    most_common_share: float
    different: int


def classes_of(facts: DatasetFacts) -> Classes:
    """Returns figures about the classes."""
    by_split = {name: split.class_counts() for name, split in facts.splits.items()}
    names = sorted({name for counts in by_split.values() for name in counts})
    counts = {n: {split: of.get(n, 0) for split, of in by_split.items()} for n in names}
    trained = facts.training_counts
    largest = max(trained, key=lambda name: trained[name], default="")
    total = sum(trained.values())
    return Classes(counts, largest, trained[largest] / total if total else 0.0)


def sizes_of(facts: DatasetFacts) -> Sizes | None:
    """Returns figures about the images' sizes, None if none can be read."""
    sizes = [(i.pixels.height, i.pixels.width) for i in facts.images if i.pixels is not None]
    if not sizes:
        return None
    heights, widths = zip(*sizes, strict=True)
    aspects = [width / height for height, width in sizes]
    counts = Counter(sizes)
    shape, number = counts.most_common(1)[0]
    return Sizes(
        (min(heights), median(heights), max(heights)),
        (min(widths), median(widths), max(widths)),
        (min(aspects), median(aspects), max(aspects)),
        shape,
        number / len(sizes),
        len(counts),
    )
