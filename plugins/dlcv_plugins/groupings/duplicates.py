"""Groups of copies: images that are identical, or nearly."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from dlcv.errors import DlcvError, count
from dlcv.interfaces import DatasetStore, LabelledImages, option, plugin
from dlcv_plugins.kinds.check import PixelSummary
from dlcv_plugins.kinds.grouping import Grouping

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger(__name__)

LARGEST_SHARE, SMALL_GROUP = 0.05, 10
"""A group of more than this share of all images, and of more than this number, is more likely a
chain of images that look alike than copies of one: it is looked at again, more strictly, and then
cut into pieces of that size."""
STRICTER = 0.98, 0.995
"""The correlations of pairs that are asked for then, one after the other."""
FEWEST_GROUPS = 4
"""A class in fewer groups can't have one in each of four parts."""
MOST_COMPARED = 200_000
"""Of more images, which would take minutes to compare, only those of equal hashes are."""
IMAGES_AT_ONCE = 64
VERSION = 1
"""Counts up when other groups are found, so that older results are not used."""


@plugin
class Duplicates(Grouping):
    """Keeps copies together: identical images, and one image resized, re-encoded or mirrored."""

    distance: int = option(
        10, help="bits of 64 by which the perceptual hashes differ at most", ge=0, le=64
    )
    correlation: float = option(
        0.94, help="correlation of the small images' pixels at least", gt=0, le=1
    )

    def group_ids(self, images: LabelledImages, store: DatasetStore, threads: int) -> "np.ndarray":
        """Returns a number for each image, the same for copies.

        Copies of images that make up a class, so that it can't be divided, are not kept together.
        """
        import numpy as np

        ids = self.copies([images], threads)
        is_kept = np.ones(len(images), bool)
        for label, name in enumerate(images.label_names):
            of_class = images.labels == label
            if len(np.unique(ids[of_class])) < min(FEWEST_GROUPS, of_class.sum()):
                is_kept[of_class] = False
                logger.warning(
                    'the class "%s" is %d images, most of them copies of each other: its copies '
                    "may come into several parts", name, of_class.sum(),
                )  # fmt: skip
        ids = np.where(is_kept, ids, len(images) + np.arange(len(images)))
        _report(ids)
        return ids

    def copies(self, splits: Sequence[LabelledImages], threads: int) -> "np.ndarray":
        """Returns a number for each image of several splits, one after the other, as `group_ids`.

        What took long is kept in the user's cache folder, by the images' contents.
        """
        from dlcv_plugins.similarity.cache import cached

        contents = [images.fingerprint() for images in splits]
        key = repr((VERSION, self.distance, self.correlation, contents))
        return cached(key, lambda: self._found(splits, threads))

    def redundant(
        self, splits: Sequence[LabelledImages], threads: int, staying: int = 0
    ) -> dict[int, int]:
        """Returns the images that are copies of an earlier one, each with that one.

        Both are numbered over all splits, one after the other. An image that is connected to the
        one that stays through others alone, as frames of a film are, stays as well; and so do the
        first ones, `staying` of them.
        """
        import numpy as np

        ids = self.copies(splits, threads)
        summaries = [summary for images in splits for summary in _summaries(images, threads)]
        order = np.argsort(ids, kind="stable")
        found: dict[int, int] = {}
        for members in np.split(order, np.flatnonzero(np.diff(ids[order])) + 1):
            kept: list[int] = []
            for place in members.tolist():
                may_go = kept and place >= staying
                of = self._copied(summaries, kept, place) if may_go else None
                if of is None:
                    kept.append(place)
                else:
                    found[place] = of
        return found

    def _copied(
        self, summaries: "Sequence[PixelSummary | None]", kept: list[int], place: int
    ) -> int | None:
        """Returns which of the images that are kept another one is a copy of; None for none."""
        import numpy as np

        from dlcv_plugins.similarity.groups import correlations

        side = PixelSummary.signature_side
        known = [summary for k in (*kept, place) if (summary := summaries[k]) is not None]
        same = [k for k, s in zip(kept, known, strict=False) if s.digest == known[-1].digest]
        if same:
            return same[0]
        pixels = np.frombuffer(b"".join(s.signature for s in known), np.uint8)
        pixels = pixels.reshape(-1, side, side, 3)
        alike = np.maximum(
            correlations(pixels[:-1], pixels[-1:]), correlations(pixels[:-1, :, ::-1], pixels[-1:])
        )
        return kept[int(alike.argmax())] if alike.max() >= self.correlation else None

    def _found(self, splits: Sequence[LabelledImages], threads: int) -> "np.ndarray":
        import numpy as np

        from dlcv_plugins.similarity.groups import Groups

        summaries = [summary for images in splits for summary in _summaries(images, threads)]
        groups = Groups(len(summaries))
        identical = _identical(summaries)
        largest = max(SMALL_GROUP, int(LARGEST_SHARE * len(summaries)))
        near = self._near(summaries, [places[0] for places in identical], largest, threads)
        # All at once, for each call looks at all images.
        together = [(g[0], other) for g in (*identical, *near) for other in g[1:]]
        groups.join(*np.array(together, int).reshape(-1, 2).T)
        return groups.leaders()

    def _near(
        self,
        summaries: "Sequence[PixelSummary | None]",
        places: list[int],
        largest: int,
        threads: int,
    ) -> Iterator[list[int]]:
        """Yields groups of near copies, none larger than `largest`."""
        from dlcv_plugins.similarity.groups import groups_within, similar_groups

        distance = self.distance if len(places) <= MOST_COMPARED else 0
        waiting, find = [places], similar_groups
        for correlation in (self.correlation, *(c for c in STRICTER if c > self.correlation)):
            found = []
            for each in waiting:
                compared = [s for i in each if (s := summaries[i]) is not None]
                groups = find(compared, distance, correlation, threads)
                found += [[each[i] for i in group] for group in groups]
            yield from (group for group in found if len(group) <= largest)
            waiting, find = [group for group in found if len(group) > largest], groups_within
        # Frames of one film, mostly: pieces of it are alike at their ends alone.
        for group in waiting:
            yield from (group[i : i + largest] for i in range(0, len(group), largest))


_known: "dict[int, tuple[LabelledImages, list[PixelSummary | None]]]" = {}
"""What was found out about images that this process works with: parts of them are not read again.
"""
MOST_KNOWN = 3
"""So many splits; images of 100,000 take 120 MB."""


def forget() -> None:
    """Gives the memory back that the summaries of images take, once nothing is compared."""
    _known.clear()


def _summaries(images: LabelledImages, threads: int) -> "list[PixelSummary | None]":
    """Returns what is compared of each image; None for one that can't be read."""
    from dlcv.api import Subset, chunks, read_ahead, track
    from dlcv_plugins.similarity.summaries import summarize

    if isinstance(images, Subset):
        of_source = _summaries(images.source, threads)
        return [of_source[index] for index in images.indices]
    if id(images) in _known:
        return _known[id(images)][1]

    def look(indices: range) -> "list[PixelSummary | None]":
        try:
            return [*summarize(images.read(indices))]
        except DlcvError:
            # What can't be read is refused or left out elsewhere.
            return [one for i in indices for one in _one(images, i)]

    summaries: list[PixelSummary | None] = []
    with track("looking for copies", len(images), unit="images") as progress:
        for found in read_ahead(look, chunks(len(images), IMAGES_AT_ONCE), threads):
            summaries += found
            progress(len(found))
    _known[id(images)] = images, summaries
    for oldest in [*_known][:-MOST_KNOWN]:
        del _known[oldest]
    return summaries


def _one(images: LabelledImages, index: int) -> "list[PixelSummary | None]":
    from dlcv_plugins.similarity.summaries import summarize

    try:
        return [*summarize(images.read([index]))]
    except DlcvError:
        return [None]


def _identical(summaries: "Iterable[PixelSummary | None]") -> list[list[int]]:
    """Returns the places of all images but blank ones, those of the same pixels in one group.

    Blank images are all the same, and say nothing about each other.
    """
    groups: dict[bytes, list[int]] = defaultdict(list)
    for place, summary in enumerate(summaries):
        if summary is not None and not summary.is_blank:
            groups[summary.digest].append(place)
    return list(groups.values())


def _report(ids: "np.ndarray") -> None:
    import numpy as np

    _, counts = np.unique(ids, return_counts=True)
    if (several := counts[counts > 1]).size:
        logger.info(
            "%s in %s are copies of each other, and stay on one side; --groups none divides them "
            "as they come", count(int(several.sum()), "image"), count(len(several), "group"),
        )  # fmt: skip
