"""Groups by a column of a CSV file."""

from collections.abc import Sequence

from dlcv.errors import DlcvError
from dlcv.interfaces import DatasetStore, LabelledImages, option, plugin
from dlcv_plugins.groupings.named import NamedGrouping
from dlcv_plugins.stores.csv import Csv


@plugin
class Column(NamedGrouping):
    """Keeps images together that have the same in a column of the CSV file that lists them."""

    name: str = option(help="the column, such as patient or camera")

    def names(self, images: LabelledImages, store: DatasetStore) -> Sequence[str]:
        """Returns what the column has for each image.

        Raises:
            DlcvError: the images are not listed in a CSV file, or it has no such column.
        """
        if not self.name:
            raise DlcvError("column: the name is empty; name a column, as in column(name=patient)")
        if not isinstance(store, Csv):
            raise DlcvError(
                f"column: the data is no CSV file, so it has no column {self.name}; use pattern "
                "or folder, which group by the files' names and folders"
            )
        groups = store.column(self.name)
        return [groups[images.sample_id(index)] for index in range(len(images))]
