"""Images of a report: found, made small, and counted where they are missing."""

import os
from collections.abc import Sequence

import attrs

from dlcv.errors import DlcvError, printable
from dlcv_plugins import pages
from dlcv_plugins.kinds.drawing import Picture
from dlcv_plugins.kinds.finished_run import FinishedRun

FEWER_PIXELS = 300_000_000
"""Of all images that were read. Beyond, those that matter less are left out: to read so many takes
some seconds."""


@attrs.frozen
class ShownPicture:
    """An image with its caption; the address is empty where the image is missing."""

    picture: Picture
    name: str
    address: str
    is_small: bool


@attrs.define
class PictureReader:
    """Reads the images of a page.

    Attributes:
        run: The run that is reported on.
        missing: The names of images that were asked for and are not there.
        problem: Why the data can't be opened, in words; empty if it can.
        pixels: How many pixels were read.
    """

    run: FinishedRun
    missing: list[str] = attrs.field(factory=list)
    problem: str = ""
    pixels: int = 0

    def shown(self, picture: Picture) -> ShownPicture:
        """Returns an image, made small; it counts as missing if it is not there."""
        name = printable(_relative(picture.sample_id, self.run.folder))
        try:
            image = None if self.problem else self.run.image(picture.sample_id)
        except (DlcvError, OSError) as error:
            self.problem, image = str(error), None
        if image is None:
            self.missing.append(name)
            return ShownPicture(picture, name, "", is_small=False)
        self.pixels += image.shape[0] * image.shape[1]
        is_small = max(image.shape[:2]) < pages.LARGEST_SIDE_PIXELS
        return ShownPicture(picture, name, pages.thumbnail(image), is_small)

    def available(self, pictures: Sequence[Picture]) -> list[ShownPicture]:
        """Returns those of several images that are there; none where enough were read."""
        missing = len(self.missing)
        shown = [] if self.pixels > FEWER_PIXELS else [self.shown(p) for p in pictures]
        del self.missing[missing:]
        return [picture for picture in shown if picture.address]


def _relative(sample_id: str, folder: str) -> str:
    """Returns a name below the held-out images' folder, or below what has both in common."""
    if folder and os.path.isabs(sample_id):
        common = os.path.commonpath([folder, sample_id])
        if common != os.path.sep:
            return os.path.relpath(sample_id, common)
    return sample_id.lstrip("/")
