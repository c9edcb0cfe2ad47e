"""Which of many images are nearly the same, or mirrored, without a look at every pair's pixels.

A perceptual hash proposes: those of two versions of an image differ in few bits. It knows nothing
of color and little of flat pictures, so that the images, made small, have to agree as well.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from dlcv.data.readahead import chunks
from dlcv.progress import track
from dlcv_plugins.checks.look import SIGNATURE_SIDE, Look

LARGEST_HASH_DISTANCE = 10
"""Bits of 64 by which the perceptual hashes of near copies differ at most."""
SMALLEST_CORRELATION = 0.94
"""Correlation of two near copies' pixels at least, when they are made small.

Of CIFAR-10's pairs, those above are one photo resized, re-encoded, cropped by a little, or in other
colors, or photos of one series; right below, the first pairs of different objects appear.
"""
MOST_ALIKE = 0.25
CLOSE_CORRELATION = 0.995
"""Where more than this share of the images is in groups, they are alike by nature, such as written
digits, and only those count that agree better: these remain where a set holds mirrored or
re-encoded copies of everything."""
SMALLEST_SIDE = 16
"""Images with a shorter side have too few pixels to tell copies from images that are alike."""
ROWS_AT_ONCE = 64
PAIRS_AT_ONCE = 4096


def alike_groups(looks: Sequence[Look]) -> list[list[int]]:
    """Returns groups of images that are nearly the same, upright or mirrored.

    Two images of a group may be connected by others only.

    Args:
        looks: Images that differ.

    Returns:
        Positions in `looks`, in order; images without a near copy are in no group.
    """
    places = [i for i, look in enumerate(looks) if min(look.height, look.width) >= SMALLEST_SIDE]
    compared = [looks[i] for i in places]
    groups = _groups_within(SMALLEST_CORRELATION, compared)
    if sum(map(len, groups)) > MOST_ALIKE * len(compared):
        groups = _groups_within(CLOSE_CORRELATION, compared)
    return [[places[i] for i in group] for group in groups]


def correlations(firsts: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Returns how far the pixels of images agree, whatever their brightness, tint and contrast.

    Each channel's mean is subtracted before. An image without contrast agrees with none.

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


def _groups_within(correlation: float, looks: Sequence[Look]) -> list[list[int]]:
    groups = _Groups(len(looks))
    for firsts, seconds in _near_pairs(correlation, looks, groups):
        for first, second in zip(firsts.tolist(), seconds.tolist(), strict=True):
            groups.join(first, second)
    members: dict[int, list[int]] = defaultdict(list)
    for place, leader in enumerate(groups.leaders().tolist()):
        members[leader].append(place)
    return [group for group in members.values() if len(group) > 1]


class _Groups:
    """Things that are joined to groups; each group has a leader, its first member."""

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
    correlation: float, looks: Sequence[Look], groups: _Groups
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields pairs that are nearly the same and not in one group yet."""
    hashes = np.array([look.hash for look in looks], np.uint64)
    mirrored = np.array([look.mirrored_hash for look in looks], np.uint64)
    pixels = np.frombuffer(b"".join(look.signature for look in looks), np.uint8)
    pixels = pixels.reshape(len(looks), SIGNATURE_SIDE, SIGNATURE_SIDE, 3)
    with track("comparing", len(looks), unit="images") as progress:
        for rows in chunks(len(looks), ROWS_AT_ONCE):
            for of_rows, step in ((hashes, 1), (mirrored, -1)):
                bits = np.bitwise_count(of_rows[rows, None] ^ hashes[None, rows.start :])
                firsts, seconds = np.nonzero(bits <= LARGEST_HASH_DISTANCE)
                firsts, seconds = firsts + rows.start, seconds + rows.start
                leaders = groups.leaders()
                is_new = (firsts < seconds) & (leaders[firsts] != leaders[seconds])
                firsts, seconds = firsts[is_new], seconds[is_new]
                for some in chunks(len(firsts), PAIRS_AT_ONCE):
                    first, second = firsts[some], seconds[some]
                    found = correlations(pixels[first, :, ::step], pixels[second])
                    near = found >= correlation
                    yield first[near], second[near]
            progress(len(rows))
