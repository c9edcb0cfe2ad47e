"""The held-out images of a run, small, by what names them."""

import logging
import os
from collections.abc import Sequence

import attrs

from dlcv import pages
from dlcv.data.sources import Dataset, find_store
from dlcv.errors import DlcvError, printable
from dlcv.interfaces import UNSPLIT, LabelledImages
from dlcv.report.subject import Subject

logger = logging.getLogger(__name__)


@attrs.frozen
class Picture:
    """An image to show.

    Attributes:
        name: What names it to people, below the folder that all of them are in.
        address: A `data:` address; empty where the image is missing.
        is_small: Whether it has so few pixels that they are shown as squares.
    """

    name: str
    address: str
    is_small: bool


class Pictures:
    """The held-out images of a run.

    Attributes:
        folder: The folder that all of them are in; empty if there is none.
        missing: The names of those that were asked for and are not there.
        problem: Why the data can't be opened, in words; empty if it can.
    """

    def __init__(self, subject: Subject, data: Dataset | None) -> None:
        """Opens the data.

        Args:
            subject: The run.
            data: Its data, where it is open already; it is not looked through again.
        """
        predictions = subject.predictions
        self._label = {
            sample_id: predictions.label_names[label]
            for sample_id, label in zip(predictions.sample_ids, predictions.labels, strict=True)
        }
        self.folder = common_folder(predictions.sample_ids)
        self.missing: list[str] = []
        self.problem = ""
        self._places: dict[str, tuple[LabelledImages, int]] = {}
        try:
            splits = {"": data.splits[subject.split]} if data else _opened(subject)
        except (DlcvError, OSError) as error:
            self.problem = str(error)
            return
        for images in splits.values():
            self._places |= {images.sample_id(i): (images, i) for i in range(len(images))}

    def picture(self, sample_id: str) -> Picture:
        """Returns an image; without an address if it is not there, or is of another class now."""
        images, index = self._places.get(sample_id, (None, 0))
        if images is not None:
            is_same = images.label_names[images.labels[index]] == self._label.get(sample_id)
            try:
                image = images.read([index])[0] if is_same else None
            except (DlcvError, OSError, ValueError):
                image = None
            if image is not None:
                is_small = max(image.shape[:2]) < pages.LARGEST_SIDE_PIXELS
                return Picture(self.name(sample_id), pages.thumbnail(image), is_small)
        self.missing.append(self.name(sample_id))
        return Picture(self.name(sample_id), "", is_small=False)

    def name(self, sample_id: str) -> str:
        """Returns what names a sample below the folder of all, as it can be printed."""
        return printable(sample_id.removeprefix(self.folder).lstrip("/"))


def common_folder(sample_ids: Sequence[str]) -> str:
    """Returns the folder that all samples are in; empty where they are no absolute paths."""
    if not all(map(os.path.isabs, sample_ids)):
        return ""
    return os.path.commonpath([os.path.dirname(name) for name in sample_ids])


def _opened(subject: Subject) -> dict[str, LabelledImages]:
    """Opens all images of a run's data by split, those last whose names mean the held-out ones.

    Data that the run divided need not be divided again: its images keep their names.
    """
    store = find_store(subject.config.data)
    order = ("train", UNSPLIT, subject.split)
    names = sorted(store.splits(), key=lambda n: order.index(n) if n in order else -1)
    return {name: store.open(name) for name in names}
