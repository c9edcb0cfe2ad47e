"""Groups of nearly identical images, upright or mirrored, without comparing every pair's pixels.

Perceptual hashes propose pairs: those of two versions of an image differ in few bits. They ignore
color and are unreliable for flat images, so the pixels of the small images must correlate, too.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from dlcv.api import backend, chunks, read_ahead, track
from dlcv_plugins.kinds.check import PixelSummary

MOST_ALIKE = 0.25
CLOSE_CORRELATION = 0.995
"""Where more than the first share of all images is in groups, they are similar by nature, such as
handwritten digits. Then pairs must correlate as closely as the second: what remains are mirrored
or re-encoded copies of everything."""
SMALLEST_SIDE = 16
"""Images with a shorter side have too few pixels to tell copies from similar images."""
ROWS_AT_ONCE, COLUMNS_AT_ONCE = 64, 4096
"""Hashes that are compared with each other at once: what fits into a processor's cache."""
PAIRS_AT_ONCE = 4096

Pairs = tuple[np.ndarray, np.ndarray]
"""The places of the first and of the second image of each pair."""


def similar_groups(
    summaries: Sequence[PixelSummary],
    distance: int,
    correlation: float,
    threads: int | None = None,
) -> list[list[int]]:
    """Returns groups of images that are nearly the same, upright or mirrored.

    Two images of a group may be connected only through others.

    Args:
        summaries: Images that differ.
        distance: Bits of 64 by which the perceptual hashes of a pair differ at most.
        correlation: Correlation of a pair's small images at least. Of CIFAR-10's pairs, those
            above 0.94 are one photo resized, re-encoded, slightly cropped, or in other colors, or
            photos of one series; right below, the first pairs of different objects appear.
        threads: Threads that compare; all processors by default.

    Returns:
        Positions in `summaries`, in order; images without a near copy are in no group.
    """
    groups = groups_within(summaries, distance, correlation, threads)
    if sum(map(len, groups)) > MOST_ALIKE * sum(map(_is_compared, summaries)):
        groups = groups_within(summaries, distance, max(correlation, CLOSE_CORRELATION), threads)
    return groups


def groups_within(
    summaries: Sequence[PixelSummary],
    distance: int,
    correlation: float,
    threads: int | None = None,
) -> list[list[int]]:
    """Returns what `similar_groups` does, however many images are in groups."""
    places = [i for i, summary in enumerate(summaries) if _is_compared(summary)]
    threads = threads or backend.available_threads()
    compared = _Compared([summaries[i] for i in places], threads)
    return [[places[i] for i in group] for group in compared.groups(distance, correlation)]


def _is_compared(summary: PixelSummary) -> bool:
    return min(summary.height, summary.width) >= SMALLEST_SIDE


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


class _Compared:
    """Images as arrays, to be compared with each other."""

    def __init__(self, summaries: Sequence[PixelSummary], threads: int) -> None:
        self._threads = threads
        self._hashes = np.array([s.hash for s in summaries], np.uint64)
        self._mirrored = np.array([s.mirrored_hash for s in summaries], np.uint64)
        self._order = np.argsort(self._hashes, kind="stable")
        self._sorted = self._hashes[self._order]
        side = PixelSummary.signature_side
        pixels = np.frombuffer(b"".join(s.signature for s in summaries), np.uint8)
        self._pixels = pixels.reshape(len(summaries), side, side, 3)

    def groups(self, distance: int, correlation: float) -> list[list[int]]:
        """Returns groups of two or more images, each connected by pairs that are alike."""
        count = len(self._hashes)
        groups = Groups(count)
        # Where most are the same, this leaves few pairs to look at.
        groups.join(*self._alike(*self._first_of_hash(), 1, correlation))

        def compare(rows: range) -> Pairs:
            return self._near_pairs(rows, distance, correlation, groups.known())

        at_once = ROWS_AT_ONCE if distance else COLUMNS_AT_ONCE
        with track("comparing", count, unit="images") as progress:
            for found in read_ahead(compare, chunks(count, at_once), self._threads):
                # Once for all pairs of the rows, for each call looks at all images.
                groups.join(*found)
                progress(min(at_once, count))
        return groups.members()

    def _near_pairs(
        self, rows: range, distance: int, correlation: float, known: np.ndarray
    ) -> Pairs:
        """Returns pairs of some images with all later ones; `known` are the groups so far."""
        found: list[Pairs] = []
        propose = self._of_near_hashes(rows, distance) if distance else self._of_equal_hashes(rows)
        for firsts, seconds, step in propose:
            is_new = (firsts < seconds) & (known[firsts] != known[seconds])
            found.append(self._alike(firsts[is_new], seconds[is_new], step, correlation))
        firsts, seconds = (
            np.concatenate([np.empty(0, int), *side]) for side in zip(*found, strict=True)
        )
        return firsts, seconds

    def _of_near_hashes(
        self, rows: range, distance: int
    ) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
        """Yields pairs whose hashes differ in few bits, and a step of -1 for mirrored first ones.

        Every hash is compared with every other; pairs of an image with an earlier one are left out
        as far as that costs nothing.
        """
        for of_rows, step in ((self._hashes, 1), (self._mirrored, -1)):
            for columns in chunks(len(self._hashes), COLUMNS_AT_ONCE):
                if columns.stop <= rows.start:
                    continue
                bits = np.bitwise_count(
                    of_rows[rows.start : rows.stop, None]
                    ^ self._hashes[None, columns.start : columns.stop]
                )
                # Of one axis, NumPy finds what is not zero four times faster than of two.
                found = np.flatnonzero(bits <= distance)
                firsts, seconds = found // len(columns) + rows.start, found % len(columns)
                yield firsts, seconds + columns.start, step

    def _of_equal_hashes(self, rows: range) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
        """Yields all pairs of equal hashes, and a step of -1 for mirrored first ones.

        Equal hashes lie side by side in sorted ones, so that not every pair has to be compared.
        """
        for of_rows, step in ((self._hashes, 1), (self._mirrored, -1)):
            searched = of_rows[rows.start : rows.stop]
            starts = np.searchsorted(self._sorted, searched, "left")
            counts = np.searchsorted(self._sorted, searched, "right") - starts
            # Many equal hashes are more pairs than memory holds.
            parts = 1 + int(counts.sum()) // (ROWS_AT_ONCE * COLUMNS_AT_ONCE)
            for part in np.array_split(np.arange(len(rows)), parts):
                repeats = counts[part]
                ends = np.cumsum(repeats)
                offsets = np.arange(repeats.sum()) - np.repeat(ends - repeats, repeats)
                seconds = self._order[np.repeat(starts[part], repeats) + offsets]
                yield np.repeat(part + rows.start, repeats), seconds, step

    def _first_of_hash(self) -> Pairs:
        """Returns pairs of each image with the first one of its hash."""
        _, first, position = np.unique(self._hashes, return_index=True, return_inverse=True)
        firsts, seconds = first[position], np.arange(len(position))
        return firsts[firsts != seconds], seconds[firsts != seconds]

    def _alike(
        self, firsts: np.ndarray, seconds: np.ndarray, step: int, correlation: float
    ) -> Pairs:
        """Returns the pairs whose pixels correlate, the first ones mirrored for a step of -1."""
        near = np.zeros(len(firsts), bool)
        for part in chunks(len(firsts), PAIRS_AT_ONCE):
            at = slice(part.start, part.stop)
            one, other = self._pixels[firsts[at], :, ::step], self._pixels[seconds[at]]
            near[at] = correlations(one, other) >= correlation
        return firsts[near], seconds[near]


class Groups:
    """A union-find: things that are joined to groups, each led by its first member."""

    def __init__(self, count: int) -> None:
        self._above = np.arange(count)

    def known(self) -> np.ndarray:
        """Returns a number for each thing; where two are equal, the things are in one group.

        It changes nothing, so that another thread may join meanwhile.
        """
        above = self._above[self._above]
        while not np.array_equal(further := above[above], above):
            above = further
        return above

    def join(self, firsts: np.ndarray, seconds: np.ndarray) -> None:
        """Joins pairs of things."""
        if not len(firsts):
            return
        leaders = self.leaders()
        pairs = np.stack([leaders[firsts], leaders[seconds]], axis=1)
        for first, second in np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0).tolist():
            low, high = sorted((self._leader(first), self._leader(second)))
            self._above[high] = low

    def leaders(self) -> np.ndarray:
        """Returns the leader of each."""
        while not np.array_equal(shorter := self._above[self._above], self._above):
            self._above = shorter
        return self._above

    def members(self) -> list[list[int]]:
        """Returns the members of each group of two or more."""
        found: dict[int, list[int]] = defaultdict(list)
        for place, leader in enumerate(self.leaders().tolist()):
            found[leader].append(place)
        return [group for group in found.values() if len(group) > 1]

    def _leader(self, index: int) -> int:
        while (above := int(self._above[index])) != index:
            index = above
        return index
