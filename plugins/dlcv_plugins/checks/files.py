"""What files are like: damaged, of a wrong format, rotated, transparent, of 16 bits, ..."""

import os
from collections.abc import Callable, Iterable

import attrs

from dlcv import images
from dlcv_plugins.checks.collect import Collected, ImageFacts
from dlcv_plugins.checks.findings import Finding, Sample, Severity, count, one_by_one

SUFFIXES = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "TIFF": (".tif", ".tiff"),
}
"""The file extensions of each format, in lower case."""
UNREADABLE = "unreadable"
PLAIN_DEPTH_BITS = 8


@attrs.frozen
class _Kind:
    """A finding about single images.

    Attributes:
        id: The finding's name.
        severity: How bad it is.
        one: What is said of one image, after "1 image".
        many: What is said of several.
        cure: What to do.
        detail: What is said of an image that has it; nothing if it does not.
    """

    id: str
    severity: Severity
    one: str
    many: str
    cure: str
    detail: Callable[[ImageFacts], str]


def file_findings(collected: Collected) -> list[Finding]:
    """Returns what is to be said about single images, whatever the others are like."""
    return [
        Finding(
            kind.id,
            kind.severity,
            f"{count(len(found), 'image')} {kind.one if len(found) == 1 else kind.many}",
            kind.cure,
            one_by_one(found),
        )
        for kind in KINDS
        if (found := _having(collected.images, kind.detail))
    ] + _grey(collected)


def _having(facts: Iterable[ImageFacts], detail: Callable[[ImageFacts], str]) -> list[Sample]:
    return [attrs.evolve(f.sample, detail=text) for f in facts if (text := detail(f))]


def _unreadable(facts: ImageFacts) -> str:
    if not facts.problem or (facts.header and facts.header.is_too_large):
        return ""
    if facts.header and facts.header.format and facts.header.format not in images.FORMATS:
        known = ", ".join(images.FORMATS)
        return f"is {facts.header.format}, not one of the formats that are read ({known})"
    return facts.problem


def _too_large(facts: ImageFacts) -> str:
    return facts.problem if facts.header and facts.header.is_too_large else ""


def _wrong_extension(facts: ImageFacts) -> str:
    if facts.header is None or facts.header.format not in SUFFIXES:
        return ""
    suffix = os.path.splitext(facts.path)[1].lower()
    return "" if suffix in SUFFIXES[facts.header.format] else f"is {facts.header.format}"


def _rotated(facts: ImageFacts) -> str:
    rotated = facts.header is not None and facts.header.orientation != 1
    return f"orientation {facts.header.orientation}" if facts.header and rotated else ""


def _animated(facts: ImageFacts) -> str:
    # One that can't be read is told once.
    animated = facts.header is not None and facts.header.frames > 1 and not facts.problem
    return f"{facts.header.frames} frames" if facts.header and animated else ""


def _transparent(facts: ImageFacts) -> str:
    return facts.header.mode if facts.header and facts.header.hides_pixels else ""


def _deep(facts: ImageFacts) -> str:
    deep = facts.header is not None and facts.header.bits > PLAIN_DEPTH_BITS
    return f"{facts.header.bits} bits" if facts.header and deep and not facts.problem else ""


def _inks(facts: ImageFacts) -> str:
    return "CMYK" if facts.header and facts.header.mode == "CMYK" else ""


def _blank(facts: ImageFacts) -> str:
    look = facts.look
    return f"{look.height} x {look.width}" if look and look.is_blank else ""


def _grey(collected: Collected) -> list[Finding]:
    """Tells which images show no color; only where others do."""
    seen = [f for f in collected.images if f.look is not None and not f.look.is_blank]
    grey = [f.sample for f in seen if f.look is not None and f.look.is_grey]
    wants_color = any(split.image_shape[2] == 3 for split in collected.splits.values())
    if not grey or not wants_color:
        return []
    if len(grey) == len(seen):
        sentence = "all images are grey, in three equal channels"
        cure = (
            "train on one channel, which is faster and loses nothing, with a store that has "
            "color_mode=grayscale, such as folder"
        )
        return [Finding("grey", "note", sentence, cure)]
    is_one = len(grey) == 1
    return [
        Finding(
            "grey",
            "note",
            f"{count(len(grey), 'image')} {'is' if is_one else 'are'} grey among images in color",
            "they are read with three equal channels, which is fine; see that no class has most of "
            "them, or the network learns the color instead of the class",
            one_by_one(grey),
        )
    ]


KINDS = (
    _Kind(
        UNREADABLE,
        "error",
        "can't be read completely",
        "can't be read completely",
        "get the files anew or remove them; --bad-images skip leaves them out of a run",
        _unreadable,
    ),
    _Kind(
        "too-large",
        "error",
        "has too many pixels and is refused",
        "have too many pixels and are refused",
        "make them smaller or remove them: a small file may claim a size that fills the memory; "
        f"the environment variable {images.LARGEST_IMAGE_VARIABLE} raises the limit",
        _too_large,
    ),
    _Kind(
        "wrong-extension",
        "note",
        "has the extension of another format",
        "have the extension of another format",
        "the content decides here, but other tools may refuse them: rename them",
        _wrong_extension,
    ),
    _Kind(
        "rotated",
        "note",
        "is turned or mirrored by its EXIF orientation",
        "are turned or mirrored by their EXIF orientation",
        "dlcv shows them upright everywhere; tools that ignore the entry do not, so turn the "
        "pixels themselves if you share the data",
        _rotated,
    ),
    _Kind(
        "animated",
        "warning",
        "holds several frames or pages, of which the first is used",
        "hold several frames or pages, of which the first is used",
        "save the frame that shows the class as an image of its own",
        _animated,
    ),
    _Kind(
        "transparent",
        "warning",
        "has transparent pixels, whose hidden colors are used",
        "have transparent pixels, whose hidden colors are used",
        "put them on a background of one color and save them without transparency",
        _transparent,
    ),
    _Kind(
        "more-than-8-bits",
        "note",
        "has more than 8 bits a channel, of which the upper 8 are used",
        "have more than 8 bits a channel, of which the upper 8 are used",
        "if they look too dark, such as scans that use a part of the range, stretch the range and "
        "save them with 8 bits",
        _deep,
    ),
    _Kind(
        "cmyk",
        "note",
        "is stored in printing inks (CMYK)",
        "are stored in printing inks (CMYK)",
        "they are converted without a color profile, so colors may be off: convert them to RGB "
        "where color matters",
        _inks,
    ),
    _Kind(
        "blank",
        "warning",
        "is of one color all over",
        "are of one color all over",
        "remove them: they show nothing, such as the placeholders of a failed download",
        _blank,
    ),
)
"""What single images may have, in the order of telling."""
