"""Parquet files with images and labels, as the Hugging Face hub lays them out."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from dlcv import images
from dlcv.errors import DlcvError
from dlcv.interfaces import UNSPLIT, DatasetStore, LabelledImages, option, plugin
from dlcv_plugins.stores import layout
from dlcv_plugins.stores.byte_files import ByteFile
from dlcv_plugins.stores.image_options import bit_depth_option, color_mode_option
from dlcv_plugins.stores.parquet_tables import Table, TableImages, label_names, read_table
from dlcv_plugins.stores.shards import holds_shards, open_shards

logger = logging.getLogger(f"dlcv.{__name__}")

ENDING = ".parquet"


@plugin
class Parquet(DatasetStore):
    """Reads images from Parquet files: a column of image files, and one of labels.

    The files of a split are named like `data/train-00000-of-00002.parquet`, or lie in a folder that
    is named like the split. Of the groups of rows that a file has, one is read at a time.
    """

    path: Path = option(help="the folder, or one Parquet file")
    image_column: str = option("", help="the column of images; found by its type if left out")
    label_column: str = option("", help="the column of labels; found by its type if left out")
    color_mode: images.ColorMode = color_mode_option()
    bit_depth: images.BitDepth | None = bit_depth_option()

    def splits(self) -> tuple[str, ...]:
        """The splits that have files with labels, or `all` where no name tells any.

        Raises:
            DlcvError: there are no such files, some are missing, damaged, or differ in columns.
        """
        return tuple(self._tables())

    def open(self, split: str) -> LabelledImages:
        """Reads a split's labels; the classes are those that the files' metadata names.

        Without metadata they are the labels of all splits, sorted.
        """
        tables = self._tables(logs=True)
        layout.check_split(split, tables, self.path)
        names = label_names(tables.values())
        return TableImages(
            tables[split],
            names,
            color_mode=self.color_mode,
            bit_depth=self.bit_depth or images.ALL_BITS,
        )

    @classmethod
    def recognise(cls, path: Path) -> Self | None:
        """Recognises a file that ends in .parquet, and a folder with such files, maybe in data."""
        return cls(path=path) if holds_shards(path, ENDING) else None

    def _files(self) -> dict[str, Sequence[ByteFile]]:
        """Returns the files of each split."""
        return open_shards(self.path, ENDING)

    def _tables(self, *, logs: bool = False) -> dict[str, Table]:
        """Returns the tables of the splits that have labels."""
        return labelled_tables(
            self._files(), self.image_column, self.label_column, self.path, logs=logs
        )


def labelled_tables(
    files: Mapping[str, Sequence[ByteFile]],
    image_column: str,
    label_column: str,
    place: object,
    *,
    logs: bool,
) -> dict[str, Table]:
    """Returns the tables of the splits that have labels.

    Args:
        files: The files by split.
        image_column: The column of images; empty to find it.
        label_column: The column of labels; empty to find it.
        place: Where they are, for messages.
        logs: Whether a split that is left out is told.

    Raises:
        DlcvError: a file can't be read, or no training image has a label.
    """
    tables = {
        split: read_table(found, image_column, label_column) for split, found in files.items()
    }
    labelled = {split: table for split, table in tables.items() if table.is_labelled}
    if not {"train", UNSPLIT} & set(labelled):
        raise DlcvError(f"{place}: all labels of the training images are missing (-1)")
    for split in tables.keys() - labelled.keys() if logs else ():
        logger.warning("%s: %s is left out: it has no labels", place, split)
    return labelled
