"""Groupings: which images belong together, so that no division separates them."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from dlcv.interfaces import DatasetStore, LabelledImages, Plugin, plugin

if TYPE_CHECKING:
    import numpy as np


@plugin
class Grouping(Plugin, ABC):
    """A rule by which images belong together: copies, or images of one patient, camera or video."""

    kind: ClassVar[str] = "grouping"

    @abstractmethod
    def group_ids(self, images: LabelledImages, store: DatasetStore, threads: int) -> "np.ndarray":
        """Returns a number for each image, `(N,)` int64; equal ones belong together.

        Args:
            images: The images that are to be divided.
            store: Where they come from.
            threads: Threads to read them with.

        Raises:
            DlcvError: the rule does not apply to an image; the message names it.
        """
