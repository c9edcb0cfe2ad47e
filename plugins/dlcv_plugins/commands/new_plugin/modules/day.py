"""Groups by the day in the images' names."""

from pathlib import Path

import numpy as np

from dlcv.errors import DlcvError
from dlcv.interfaces import DatasetStore, Grouping, LabelledImages, plugin


@plugin
class Day(Grouping):
    """Keeps images of one day together, by names such as `20260131-004.jpg`."""

    def group_ids(self, images: LabelledImages, store: DatasetStore, threads: int) -> np.ndarray:
        """Returns the day, as a number."""
        days = [Path(images.sample_id(i)).name[:8] for i in range(len(images))]
        for index, day in enumerate(days):
            if not day.isdecimal():
                raise DlcvError(f"day: {images.sample_id(index)} does not begin with a date")
        return np.array(days, np.int64)
