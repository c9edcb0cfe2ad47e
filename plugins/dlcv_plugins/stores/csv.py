"""A table of images and labels, as CSV."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Self

from dlcv import images
from dlcv.errors import DlcvError
from dlcv.interfaces import SPLITS, UNSPLIT, DatasetStore, LabelledImages, option, plugin
from dlcv_plugins.stores import layout
from dlcv_plugins.stores.csv_table import Row, Table, read_table
from dlcv_plugins.stores.image_options import bit_depth_option, color_mode_option

logger = logging.getLogger(f"dlcv.{__name__}")

ENDINGS = (".csv", ".tsv")


@plugin
class Csv(DatasetStore):
    """Reads images that a CSV file lists: a column of paths, one of labels, maybe one of splits.

    The first line names the columns. Fields are separated by commas, semicolons or tabs.
    """

    path: Path = option(help="the CSV file, in UTF-8")
    image_column: str = option("", help="the column of paths; found by its name if left out")
    label_column: str = option("", help="the column of labels; found by its name if left out")
    split_column: str = option("", help="the column of train, val or test; found if left out")
    root: Path | None = option(None, help="the folder that paths start from; the CSV file's own")
    color_mode: images.ColorMode = color_mode_option()
    bit_depth: images.BitDepth | None = bit_depth_option()

    def splits(self) -> tuple[str, ...]:
        """The splits that the table names, or `all` if it has no column of splits.

        Raises:
            DlcvError: the file can't be read, or a line of it is wrong.
        """
        found = {row.split for row in self._table().rows}
        return tuple(split for split in (*SPLITS, UNSPLIT) if split in found)

    def open(self, split: str) -> LabelledImages:
        """Lists a split's images; the classes are the labels of the whole table, sorted.

        Raises:
            DlcvError: the file can't be read, or a line of it is wrong, or an image is not there.
        """
        table = self._table()
        rows = [row for row in table.rows if row.split == split]
        layout.check_split(split, self.splits() if not rows else (split,), self.path)
        import numpy as np

        self._check_files(rows)
        position = {name: i for i, name in enumerate(table.label_names)}
        return images.ImageFiles(
            [row.path for row in rows],
            np.array([position[row.label] for row in rows], np.int64),
            table.label_names,
            color_mode=self.color_mode,
            bit_depth=self.bit_depth or images.ALL_BITS,
            root=self._root,
        )

    @classmethod
    def recognise(cls, path: Path) -> Self | None:
        """Recognises a file that ends in .csv or .tsv."""
        is_table = path.suffix.lower() in ENDINGS and path.is_file()
        return cls(path=path) if is_table else None

    @property
    def _root(self) -> Path:
        return self.path.parent if self.root is None else self.root

    def column(self, name: str) -> dict[str, str]:
        """Returns what a column has for each image, by the image's path.

        Raises:
            DlcvError: there is no such column, a field of it is empty, or an image has two.
        """
        return {row.path: row.group for row in self._table({"group": name}).rows}

    def _table(self, further: Mapping[str, str] = MappingProxyType({})) -> Table:
        columns = {
            "image": self.image_column,
            "label": self.label_column,
            "split": self.split_column,
            **further,
        }
        table = read_table(self.path, self._root, columns)
        if table.repeated:
            logger.warning("%s: %d lines repeat others and are left out", self.path, table.repeated)
        return table

    def _check_files(self, rows: list[Row]) -> None:
        """Refuses files that are not there, or no images by their name; nothing is opened."""
        if missing := [row for row in rows if not os.path.isfile(row.path)]:
            first = missing[0]
            raise DlcvError(
                f"{self.path}: {len(missing):,} of {len(rows):,} images are not there; the first "
                f"is {first.path} on line {first.line}; paths start from {self._root}, unless the "
                "option root names another folder"
            )
        for row in rows:
            if Path(row.path).suffix.lower() not in images.EXTENSIONS:
                raise DlcvError(
                    f"{self.path}, line {row.line}: {row.path} is no image by its name; "
                    f"{', '.join(sorted(images.EXTENSIONS))} are read"
                )
