"""Checks of data sets: findings from the facts of one pass over all images."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

import attrs

from dlcv.interfaces import UNSPLIT, LabelledImages, Plugin, plugin

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""An error spoils training or its evaluation, a warning deserves attention, a note is information.
"""


@attrs.frozen
class Sample:
    """An image of a data set, or another file in its folder.

    Attributes:
        name: A path below the data set's folder, or a row.
        split: The split that it belongs to; empty for files that are no images of the data set.
        label: Its class; empty likewise.
        index: Its position in the split; None likewise.
        detail: What a finding reports of this sample alone, such as `3 frames`.
    """

    name: str
    split: str = ""
    label: str = ""
    index: int | None = None
    detail: str = ""

    def with_detail(self, detail: str) -> "Sample":
        """Returns a copy with what a finding reports of it."""
        return attrs.evolve(self, detail=detail)


@attrs.frozen
class FileHeader:
    """The properties that an image file states beside its pixels.

    Attributes:
        format: `JPEG`, `PNG`, ... as Pillow names it, formats that dlcv doesn't decode included;
            empty where Pillow refuses the image for its size.
        mode: How pixels are stored, as Pillow names it: `RGB`, `L`, `CMYK`, ...
        height: In pixels, before the orientation is applied.
        width: In pixels, likewise.
        orientation: The EXIF orientation, 1 to 8; 1 is upright.
        frames: The number of frames or pages.
        bits: Bits per channel.
        has_transparency: Whether some pixels are transparent.
        is_too_large: Whether dlcv refuses the image for its number of pixels.
    """

    format: str
    mode: str
    height: int
    width: int
    orientation: int = 1
    frames: int = 1
    bits: int = 8
    has_transparency: bool = False
    is_too_large: bool = False


@attrs.frozen
class PixelSummary:
    """A decoded image in few bytes, to compare it with all others.

    Attributes:
        height: In pixels, upright.
        width: In pixels, upright.
        digest: A hash of all pixels, 16 bytes: equal for exact copies in any lossless format.
        hash: The perceptual hash, 64 bits.
        mirrored_hash: The perceptual hash of the mirrored image.
        signature: The image resized to `(16, 16, 3)` uint8, as bytes.
        is_grey: Whether it shows no color.
        is_blank: Whether all pixels have the same color.
    """

    signature_side: ClassVar[int] = 16

    height: int
    width: int
    digest: bytes
    hash: int
    mirrored_hash: int
    signature: bytes
    is_grey: bool
    is_blank: bool


@attrs.frozen
class ImageFacts:
    """What one pass found out about one image.

    Attributes:
        sample: Which image it is.
        path: Its file; empty where it has none of its own.
        header: What the file states; None where there is no file or its header can't be read.
        pixels: What the decoded image looks like; None if it can't be decoded.
        problem: Why it can't be decoded; empty if it can.
    """

    sample: Sample
    path: str = ""
    header: FileHeader | None = None
    pixels: PixelSummary | None = None
    problem: str = ""


@attrs.frozen(eq=False)
class DatasetFacts:
    """What one pass found out about a data set: all that checks work on.

    Attributes:
        splits: The splits that can be opened, by name. A check that needs more than the summaries
            below may read images of these again.
        unusable: Why the other splits can't be opened, by name.
        images: The facts about every image, split by split, in order.
        folder: The folder that holds all files of the data set, where there is one.
        other_files: Paths below `folder` of files that are no images of the data set; empty where
            images aren't files of their own.
    """

    splits: Mapping[str, LabelledImages]
    unusable: Mapping[str, str] = attrs.field(factory=dict)
    images: tuple[ImageFacts, ...] = ()
    folder: Path | None = None
    other_files: tuple[str, ...] = ()

    @property
    def training_counts(self) -> dict[str, int]:
        """Images by class of the split that is trained on; of the first split if there is none."""
        name = next((name for name in ("train", UNSPLIT) if name in self.splits), None)
        split = self.splits[name] if name else next(iter(self.splits.values()), None)
        return split.class_counts() if split is not None else {}

    @property
    def is_divided(self) -> bool:
        """Whether the data set comes in several splits."""
        return len(self.splits) > 1


@attrs.frozen
class Finding:
    """Something that a person should know about a data set.

    Attributes:
        id: What it is called in JSON, the same for all data sets: `copies-across-splits`.
        severity: `error`, `warning` or `note`.
        sentence: What was found, with figures; a sentence without capital and full stop.
        advice: What to do about it, likewise.
        groups: The samples concerned; those that belong together, such as copies, in one group.
    """

    id: str
    severity: Severity
    sentence: str
    advice: str
    groups: tuple[tuple[Sample, ...], ...] = ()

    @property
    def samples(self) -> list[Sample]:
        """The samples of all groups."""
        return [sample for group in self.groups for sample in group]


@plugin
class Check(Plugin, ABC):
    """A question that `dlcv data check` asks about every data set."""

    kind: ClassVar[str] = "check"

    @abstractmethod
    def findings(self, facts: DatasetFacts) -> list[Finding]:
        """Returns what is to be reported, an empty list if nothing; a pure function of the facts.

        Args:
            facts: What one pass over the data set found out. Splits and images may be missing.
        """
