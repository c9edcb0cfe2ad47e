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
    roots = _roots(store)
    paths = [Path(images.sample_id(index)) for index in range(len(images))]
    return [_below(path, roots) for path in paths]


def _roots(store: DatasetStore) -> list[Path]:
    """Returns the folder of a data set, or its file and then the folder that this lies in.

    The names in an archive go on from the archive's; a table names images beside it.
    """
    paths = {name: value for name, value in store.options().items() if isinstance(value, Path)}
    root = paths.get("root") or next(iter(paths.values()), Path())
    found = [root] if root.is_dir() else [root, root.parent]
    return [path.absolute() for path in found]


def _below(path: Path, roots: Sequence[Path]) -> Path:
    absolute = path.absolute()  # A table in the working directory may name absolute paths.
    root = next((root for root in roots if absolute.is_relative_to(root)), None)
    return absolute.relative_to(root) if root else path
