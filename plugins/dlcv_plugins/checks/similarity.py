"""Groups of nearly identical images, upright or mirrored, without comparing every pair's pixels.

Perceptual hashes propose pairs: those of two versions of an image differ in few bits. They ignore
color and are unreliable for flat images, so the pixels of the small images must correlate, too.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from dlcv.api import chunks, track
from dlcv_plugins.kinds.check import PixelSummary

MOST_ALIKE = 0.25
CLOSE_CORRELATION = 0.995
"""Where more than the first share of all images is in groups, they are similar by nature, such as
handwritten digits. Then pairs must correlate as closely as the second: what remains are mirrored
or re-encoded copies of everything."""
SMALLEST_SIDE = 16
"""Images with a shorter side have too few pixels to tell copies from similar images."""
ROWS_AT_ONCE = 64
PAIRS_AT_ONCE = 4096


def similar_groups(
    summaries: Sequence[PixelSummary], distance: int, correlation: float
) -> list[list[int]]:
    """Returns groups of images that are nearly the same, upright or mirrored.

    Two images of a group may be connected only through others.

    Args:
        summaries: Images that differ.
        distance: Bits of 64 by which the perceptual hashes of a pair differ at most.
        correlation: Correlation of a pair's small images at least. Of CIFAR-10's pairs, those
            above 0.94 are one photo resized, re-encoded, slightly cropped, or in other colors, or
            photos of one series; right below, the first pairs of different objects appear.

    Returns:
        Positions in `summaries`, in order; images without a near copy are in no group.
    """
    places = [i for i, s in enumerate(summaries) if min(s.height, s.width) >= SMALLEST_SIDE]
    compared = [summaries[i] for i in places]
    groups = _groups_within(distance, correlation, compared)
    if sum(map(len, groups)) > MOST_ALIKE * len(compared):
        groups = _groups_within(distance, max(correlation, CLOSE_CORRELATION), compared)
    return [[places[i] for i in group] for group in groups]


def correlations(firsts: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Returns the correlation of images' pixels, whatever their brightness, tint and contrast.

    Each channel's mean is subtracted first. An image without contrast correlates with none.

    Args:
        firsts: `(N, H, W, 3)` uint8.
        seconds: `(N, H, W, 3)` uint8.

    Returns:
        `(N,)` float32; 1 for images that are the same, about 0 for unrelated ones.
    """
    a, b = (
        images.astype(np.float32) - images.mean(axis=(1, 2), keepdims=True, dtype=np.float32)
        for images in (firsts, seconds)
    )
    agreement = np.mean(a * b, axis=(1, 2, 3))
    contrast = np.sqrt(np.mean(a**2, axis=(1, 2, 3)) * np.mean(b**2, axis=(1, 2, 3)))
    return np.divide(agreement, contrast, out=np.zeros_like(agreement), where=contrast > 0)


def _groups_within(
    distance: int, correlation: float, summaries: Sequence[PixelSummary]
) -> list[list[int]]:
    groups = _Groups(len(summaries))
    for firsts, seconds in _near_pairs(distance, correlation, summaries, groups):
        for first, second in zip(firsts.tolist(), seconds.tolist(), strict=True):
            groups.join(first, second)
    members: dict[int, list[int]] = defaultdict(list)
    for place, leader in enumerate(groups.leaders().tolist()):
        members[leader].append(place)
    return [group for group in members.values() if len(group) > 1]


class _Groups:
    """A union-find: things that are joined to groups, each led by its first member."""

    def __init__(self, count: int) -> None:
        self._above = np.arange(count)

    def join(self, first: int, second: int) -> None:
        low, high = sorted((self._leader(first), self._leader(second)))
        self._above[high] = low

    def leaders(self) -> np.ndarray:
        """Returns the leader of each."""
        while not np.array_equal(shorter := self._above[self._above], self._above):
            self._above = shorter
        return self._above

    def _leader(self, index: int) -> int:
        while (above := int(self._above[index])) != index:
            index = above
        return index


def _near_pairs(
    distance: int, correlation: float, summaries: Sequence[PixelSummary], groups: _Groups
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields pairs that are nearly the same and not in one group yet."""
    hashes = np.array([s.hash for s in summaries], np.uint64)
    mirrored = np.array([s.mirrored_hash for s in summaries], np.uint64)
    pixels = np.frombuffer(b"".join(s.signature for s in summaries), np.uint8)
    side = PixelSummary.signature_side
    pixels = pixels.reshape(len(summaries), side, side, 3)
    with track("comparing", len(summaries), unit="images") as progress:
        for rows in chunks(len(summaries), ROWS_AT_ONCE):
            for of_rows, step in ((hashes, 1), (mirrored, -1)):
                bits = np.bitwise_count(of_rows[rows, None] ^ hashes[None, rows.start :])
                firsts, seconds = np.nonzero(bits <= distance)
                firsts, seconds = firsts + rows.start, seconds + rows.start
                leaders = groups.leaders()
                is_new = (firsts < seconds) & (leaders[firsts] != leaders[seconds])
                firsts, seconds = firsts[is_new], seconds[is_new]
                for part in chunks(len(firsts), PAIRS_AT_ONCE):
                    first, second = firsts[part], seconds[part]
                    found = correlations(pixels[first, :, ::step], pixels[second])
                    near = found >= correlation
                    yield first[near], second[near]
            progress(len(rows))
