"""What groupings by a text of each image share: its column, its folder, a part of its name."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dlcv.interfaces import DatasetStore, LabelledImages, plugin
from dlcv_plugins.kinds.grouping import Grouping

if TYPE_CHECKING:
    import numpy as np


@plugin
class NamedGrouping(Grouping):
    """Images that some text is equal of belong together."""

    @abstractmethod
    def names(self, images: LabelledImages, store: DatasetStore) -> Sequence[str]:
        """Returns the name of each image's group; raises `DlcvError` for an image without one."""

    def group_ids(self, images: LabelledImages, store: DatasetStore, threads: int) -> "np.ndarray":
        """Returns the places of the groups' names in their sorted order."""
        import numpy as np

        return np.unique(list(self.names(images, store)), return_inverse=True)[1]


def paths_below(images: LabelledImages, store: DatasetStore) -> list[Path]:
    """Returns the images' names, as paths below the data set's folder where they lie in one."""
    root = next((value for value in store.options().values() if isinstance(value, Path)), Path())
    paths = [Path(images.sample_id(index)) for index in range(len(images))]
    return [path.relative_to(root) if path.is_relative_to(root) else path for path in paths]
