"""A zip archive of class folders."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from dlcv import images
from dlcv.errors import DlcvError
from dlcv.interfaces import UNSPLIT, DatasetStore, LabelledImages, option, plugin
from dlcv_plugins.stores import layout
from dlcv_plugins.stores.archive import Archive, open_archive
from dlcv_plugins.stores.class_folders import arrange
from dlcv_plugins.stores.encoded import EncodedImages
from dlcv_plugins.stores.image_options import bit_depth_option, color_mode_option

logger = logging.getLogger(f"dlcv.{__name__}")


@plugin
class Zip(DatasetStore):
    """Reads images from a zip archive of class folders, without unpacking it.

    The archive may hold `train`, `val` and `test` with class folders, and all in a folder of its
    own, as `photos/` in `photos.zip`.
    """

    path: Path = option(help="the zip archive")
    color_mode: images.ColorMode = color_mode_option()
    bit_depth: images.BitDepth | None = bit_depth_option()

    def splits(self) -> tuple[str, ...]:
        """The split folders that are there, or `all` if the class folders lie directly below.

        Raises:
            DlcvError: there is no such archive, it is damaged, or holds no class folders.
        """
        return tuple(self._arranged()[1])

    def open(self, split: str) -> LabelledImages:
        """Lists a split's images; the classes are the folders' names, sorted."""
        archive, splits, unlabelled = self._arranged()
        layout.check_split(split, splits, self.path)
        if split == next(iter(splits)):
            images.warn_of_unread(archive.names, self.path)
            for folder, count in unlabelled.items():
                place = f"{self.path}/{folder}"
                logger.warning("%s: images without class folders are left out: %d", place, count)
        return _ArchiveImages(
            archive, splits[split], self.color_mode, self.bit_depth or images.ALL_BITS
        )

    @classmethod
    def recognise(cls, path: Path) -> Self | None:
        """Recognises a file that ends in .zip."""
        return cls(path=path) if path.suffix.lower() == ".zip" and path.is_file() else None

    def _arranged(self) -> tuple[Archive, dict[str, dict[str, list[int]]], dict[str, int]]:
        """Returns the archive, entries by split and class, and how many images have no class."""
        if not self.path.is_file():
            raise DlcvError(f"no such file: {self.path}")
        archive = open_archive(self.path)
        splits, unlabelled = arrange(archive.names, self.path)
        return archive, splits or {UNSPLIT: {}}, unlabelled


class _ArchiveImages(EncodedImages):
    def __init__(
        self,
        archive: Archive,
        classes: Mapping[str, list[int]],
        color_mode: images.ColorMode,
        bit_depth: images.BitDepth,
    ) -> None:
        import numpy as np

        counts = [len(entries) for entries in classes.values()]
        labels = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
        super().__init__(labels, tuple(classes), color_mode=color_mode, bit_depth=bit_depth)
        self._archive = archive
        self._entries = [entry for entries in classes.values() for entry in entries]

    def content(self, index: int) -> bytes:
        """Returns an entry's bytes."""
        return self._archive.content(self._entries[index])

    def sample_id(self, index: int) -> str:
        """Returns the archive's path, and the name in it."""
        return f"{self._archive.file.name}/{self._archive.names[self._entries[index]]}"

    def identity(self) -> bytes:
        """Returns the names, lengths and checksums that the archive's directory has."""
        return b"\n".join(
            self._archive.names[entry].encode(errors="surrogateescape")
            + self._archive.places[entry, 2:4].astype("<i8").tobytes()
            for entry in self._entries
        )
