"""A check of a data set as a page, with pictures of what was found."""

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from dlcv import files, images
from dlcv.errors import DlcvError
from dlcv_plugins import pages
from dlcv_plugins.commands.data.check.checkup import Checkup, Reported
from dlcv_plugins.kinds.check import SEVERITIES, DatasetFacts, Finding, Sample

if TYPE_CHECKING:
    import numpy as np

MOST_GROUPS = 24
MOST_IN_GROUP = 4
MOST_FILES = 20
"""What is shown of a finding; the rest is counted, so that a page has some megabytes at most."""


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
    """The part of a finding that is shown, and how many groups or files are not."""

    finding: Finding
    check: str
    by_class: dict[str, int]
    groups: list[_Group]
    files: list[Sample]
    more: int


def write_page(checkup: Checkup, path: Path, *, force: bool = False) -> None:
    """Writes a page that needs no other file.

    Args:
        checkup: What to show.
        path: The file to write.
        force: Whether a file that exists may be replaced.

    Raises:
        DlcvError: the file exists already.
    """
    files.refuse_existing(path, force=force)
    splits = checkup.facts.splits
    counts = checkup.classes.counts.values()
    page = pages.render(
        "check.html",
        checkup=checkup,
        version=version("dlcv"),
        images=len(checkup.facts.images),
        numbers={severity: checkup.number(severity) for severity in SEVERITIES},
        shown=[_shown(reported, checkup.facts) for reported in checkup.reported],
        splits=list(splits),
        largest=max((of[next(iter(splits))] for of in counts), default=0) or 1,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    # File names that are not UTF-8 are shown with a mark for the bytes that can't be decoded.
    files.write_atomically(path, page.encode(errors="replace"))


def _shown(reported: Reported, facts: DatasetFacts) -> _Shown:
    finding = reported.finding
    pictured = [group for group in finding.groups if group and group[0].index is not None]
    others = [sample for sample in finding.samples if sample.index is None]
    return _Shown(
        finding,
        reported.check,
        reported.by_class,
        [_group(group, facts) for group in pictured[:MOST_GROUPS]],
        others[:MOST_FILES],
        max(0, len(pictured) - MOST_GROUPS) + max(0, len(others) - MOST_FILES),
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
            image = rest_of_jpeg(content, pages.LARGEST_SIDE_PIXELS)
    except (DlcvError, OSError, ValueError):
        return _Picture(sample, "", is_small=False)
    is_small = max(image.shape[:2]) < pages.LARGEST_SIDE_PIXELS
    return _Picture(sample, pages.thumbnail(image), is_small)


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
