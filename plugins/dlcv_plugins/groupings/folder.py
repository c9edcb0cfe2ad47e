"""Groups by the images' folders."""

from collections.abc import Sequence

from dlcv.errors import DlcvError
from dlcv.interfaces import DatasetStore, LabelledImages, option, plugin
from dlcv_plugins.groupings.named import NamedGrouping, paths_below


@plugin
class FolderLevel(NamedGrouping):
    """Keeps images together by a folder that they lie in, such as one for each patient or video."""

    level: int = option(
        1,
        help="which folder of an image's path names its group, counted from the image: 1 is the "
        "one that it lies in; folders of one name are one group, whatever class they are in",
        ge=1,
    )

    def names(self, images: LabelledImages, store: DatasetStore) -> Sequence[str]:
        """Returns the name of each image's folder at that level.

        Raises:
            DlcvError: an image lies in fewer folders below that of the data set.
        """
        found = []
        for path in paths_below(images, store):
            folders = path.parts[:-1]
            if len(folders) < self.level:
                raise DlcvError(
                    f"folder: {path} lies in {len(folders)} folders below the data set's, so none "
                    f"is at level {self.level}; the one that an image lies in is level 1"
                )
            found.append(folders[-self.level])
        return found
