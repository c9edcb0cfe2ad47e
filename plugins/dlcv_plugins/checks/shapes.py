"""Sizes and proportions: the most common shape, and images that are far from the others'."""

from collections import Counter
from statistics import median

import attrs

from dlcv_plugins.checks.collect import Collected, ImageFacts
from dlcv_plugins.checks.findings import Finding, Sample, count, one_by_one

SMALLEST_SIDE_PIXELS = 8
SMALLEST_SIDE_SHARE = 1 / 8
"""An image is tiny if its shorter side is below the one or below this share of the median."""
ENORMOUS_PIXELS = 25_000_000
LARGEST_ASPECT = 4.0
"""Longer by shorter side, from which on the middle shows little of the image."""


@attrs.frozen
class Shapes:
    """The sizes of a data set's images, in pixels.

    Attributes:
        heights: Smallest, median and largest height.
        widths: Smallest, median and largest width.
        aspects: Smallest, median and largest width divided by height.
        most_common: `(height, width)` that most images have.
        most_common_share: The share of images that have it.
        different: How many shapes there are.
    """

    heights: tuple[int, float, int]
    widths: tuple[int, float, int]
    aspects: tuple[float, float, float]
    most_common: tuple[int, int]
    most_common_share: float
    different: int


def shapes_of(collected: Collected) -> Shapes | None:
    """Returns figures about the images' sizes, None if none can be read."""
    sizes = [(f.look.height, f.look.width) for f in collected.images if f.look is not None]
    if not sizes:
        return None
    heights, widths = zip(*sizes, strict=True)
    aspects = [width / height for height, width in sizes]
    counts = Counter(sizes)
    shape, number = counts.most_common(1)[0]
    return Shapes(
        (min(heights), median(heights), max(heights)),
        (min(widths), median(widths), max(widths)),
        (min(aspects), median(aspects), max(aspects)),
        shape,
        number / len(sizes),
        len(counts),
    )


def shape_findings(collected: Collected) -> list[Finding]:
    """Returns which images are tiny, enormous, or very long."""
    sides = [min(f.look.height, f.look.width) for f in collected.images if f.look is not None]
    if not sides:
        return []
    smallest = max(SMALLEST_SIDE_PIXELS, SMALLEST_SIDE_SHARE * median(sides))
    tiny, enormous, long = [], [], []
    for facts in collected.images:
        if facts.look is None:
            continue
        sample = _sized(facts)
        shorter, longer = sorted((facts.look.height, facts.look.width))
        if shorter < smallest:
            tiny.append(sample)
        if shorter * longer > ENORMOUS_PIXELS:
            enormous.append(sample)
        if longer > LARGEST_ASPECT * shorter:
            long.append(sample)
    return [
        *_tiny(tiny, len(sides), smallest),
        *_enormous(enormous),
        *_long(long),
    ]


def _sized(facts: ImageFacts) -> Sample:
    assert facts.look is not None
    detail = f"{facts.look.height} x {facts.look.width}"
    return attrs.evolve(facts.sample, detail=detail)


def _tiny(samples: list[Sample], total: int, smallest: float) -> list[Finding]:
    if not samples:
        return []
    are = "is" if len(samples) == 1 else "are"
    cure = "remove them if they are icons or failed downloads: enlarged, they show a blur"
    if len(samples) == total:
        cure = "use a network for small images; photos should be taken from a larger version"
    sentence = f"{count(len(samples), 'image')} {are} tiny: a side below {smallest:.0f} pixels"
    return [Finding("tiny", "warning", sentence, cure, one_by_one(samples))]


def _enormous(samples: list[Sample]) -> list[Finding]:
    if not samples:
        return []
    have = "has" if len(samples) == 1 else "have"
    return [
        Finding(
            "enormous",
            "note",
            f"{count(len(samples), 'image')} {have} more than "
            f"{ENORMOUS_PIXELS // 1_000_000} million pixels",
            "decoding them takes longer than training on them: pack the data set once with "
            "dlcv data build",
            one_by_one(samples),
        )
    ]


def _long(samples: list[Sample]) -> list[Finding]:
    if not samples:
        return []
    are = "is" if len(samples) == 1 else "are"
    return [
        Finding(
            "elongated",
            "note",
            f"{count(len(samples), 'image')} {are} more than {LARGEST_ASPECT:.0f} times as long "
            "as wide, or as wide as long",
            "see that what matters is in the middle, for aspect_aware cuts the ends off; or crop "
            "them by hand",
            one_by_one(samples),
        )
    ]
