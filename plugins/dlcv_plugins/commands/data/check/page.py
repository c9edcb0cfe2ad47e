"""A check of a data set as a page, with pictures of what was found."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from dlcv import files, images
from dlcv.errors import DlcvError
from dlcv_plugins import pages
from dlcv_plugins.commands.data.check.checkup import Checkup, Reported
from dlcv_plugins.kinds.check import SEVERITIES, DatasetFacts, Finding, Sample
from dlcv_plugins.kinds.drawing import Bar, Bars

if TYPE_CHECKING:
    import numpy as np

SIDE_PIXELS = 256
"""Of a picture; it becomes large when it is clicked on."""
MOST_GROUPS = 48
MOST_IN_GROUP = 4
"""What has pictures of a finding; the rest is listed by name."""
MOST_PICTURES = 480
"""Of a page, so that it has some megabytes at most."""
MOST_NAMES = 20_000
"""Of a page; the rest is counted."""


@attrs.frozen
class _Picture:
    """A sample with its thumbnail; the address is empty where it can't be read."""

    sample: Sample
    address: str
    is_small: bool


@attrs.frozen
class _Group:
    """The part of a group that is shown, and how many are not."""

    pictures: list[_Picture]
    more: int


@attrs.frozen
class _Shown:
    """A finding: groups with pictures, groups and files by name, and how many are only counted."""

    finding: Finding
    check: str
    by_class: dict[str, int]
    groups: list[_Group]
    names: list[tuple[Sample, ...]]
    more: int


@attrs.define
class _Room:
    """How many pictures and names the page has room for."""

    pictures: int = MOST_PICTURES
    names: int = MOST_NAMES


def write_page(checkup: Checkup, path: Path, *, force: bool = False) -> None:
    """Writes a page that needs no other file.

    Args:
        checkup: What to show.
        path: The file to write.
        force: Whether a file that exists may be replaced.

    Raises:
        DlcvError: the file exists already.
    """
    from dlcv_plugins.pages.charts import bar_chart

    files.refuse_existing(path, force=force)
    splits = checkup.facts.splits
    room = _Room()
    page = pages.render(
        "check.html",
        script=("sort.js", "paging.js", "pictures.js", "tips.js"),
        checkup=checkup,
        images=len(checkup.facts.images),
        numbers={severity: checkup.number(severity) for severity in SEVERITIES},
        shown=[_shown(reported, checkup.facts, room) for reported in checkup.reported],
        histogram=bar_chart(_histogram(checkup, list(splits))),
        splits=list(splits),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    pages.write(path, page)


def _histogram(checkup: Checkup, splits: Sequence[str]) -> Bars:
    """Returns the images by class of the first split, the largest class first."""
    counts = checkup.classes.counts
    order = sorted(counts, key=lambda name: -counts[name][splits[0]])
    bars = tuple(
        Bar(
            name,
            counts[name][splits[0]],
            f"{counts[name][splits[0]]:,}" if len(order) <= pages.FEW_BARS else "",
            details=tuple(f"{split}: {counts[name][split]:,}" for split in splits),
        )
        for name in order
    )
    what = "" if splits[0] == "all" else f" of {splits[0]}"
    return Bars("", "class", f"images{what}", bars)


def _shown(reported: Reported, facts: DatasetFacts, room: _Room) -> _Shown:
    finding = reported.finding
    groups: list[_Group] = []
    names: list[tuple[Sample, ...]] = []
    for group in filter(None, finding.groups):
        if group[0].index is None or len(groups) == MOST_GROUPS or room.pictures <= 0:
            names.append(group)
        else:
            groups.append(_group(group, facts))
            room.pictures -= len(groups[-1].pictures)
    listed = list(islice(names, max(0, room.names)))
    room.names -= sum(map(len, listed))
    return _Shown(
        finding, reported.check, reported.by_class, groups, listed, len(names) - len(listed)
    )


def _group(group: tuple[Sample, ...], facts: DatasetFacts) -> _Group:
    shown = [_picture(sample, facts) for sample in group[:MOST_IN_GROUP]]
    return _Group(shown, len(group) - len(shown))


def _picture(sample: Sample, facts: DatasetFacts) -> _Picture:
    """Returns an image's thumbnail; of a damaged JPEG, what can still be decoded."""
    if sample.index is None:
        return _Picture(sample, "", is_small=False)
    split = facts.splits[sample.split]
    try:
        try:
            image = split.read([sample.index])[0]
        except DlcvError:
            content = images.read_content(split.sample_id(sample.index))
            image = rest_of_jpeg(content, SIDE_PIXELS)
    except (DlcvError, OSError, ValueError):
        return _Picture(sample, "", is_small=False)
    is_small = max(image.shape[:2]) < pages.LARGEST_SIDE_PIXELS
    return _Picture(sample, pages.thumbnail(image, SIDE_PIXELS), is_small)


def rest_of_jpeg(content: bytes, side: int) -> "np.ndarray":
    """Returns what is left of a damaged JPEG, to be shown; its orientation is not applied.

    Args:
        content: The file's bytes.
        side: Pixels. What is higher and wider is made up to 8 times smaller while it is decoded,
            so that a size that is not true fills no memory.

    Returns:
        `(H, W, 3)` uint8.

    Raises:
        ValueError: nothing is left.
    """
    import simplejpeg

    return simplejpeg.decode_jpeg(content, "RGB", min_height=side, min_width=side, strict=False)
