"""The file of one split: `images`, `labels` and `label_names`, readable by any HDF5 tool.

The HDF5 library never writes rows here, see `dlcv_plugins.hdf5`.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import attrs

from dlcv.errors import DlcvError
from dlcv_plugins import hdf5
from dlcv_plugins.stores.byte_files import ByteFile, Readable
from dlcv_plugins.stores.hdf5_contents import CONTENTS, Contents, open_contents
from dlcv_plugins.stores.hdf5_rows import Rows, open_rows

if TYPE_CHECKING:
    import h5py
    import numpy as np

EXPECTED = {
    "images": "numbers",
    "labels": "whole numbers",
    "label_names": "a row of texts",
}
"""What each data set of a file holds."""
MOST_NUMBERS = 100_000
"""As many classes may have numbers for names; more are no classes, but damage."""

LARGEST_HEAP = 16_000_000
"""Bytes of a heap of names that are looked at; the library makes heaps of 4,096."""


@attrs.frozen(eq=False)
class Packed:
    """A split's content.

    Attributes:
        content: The images: as rows of pixels, or as the files that they were.
        labels: `(N,)` int64.
        label_names: The classes' names.
    """

    content: Rows | Contents
    labels: "np.ndarray"
    label_names: tuple[str, ...]


class RowWriter:
    """Writes one file's rows and, at the end, their description."""

    def __init__(
        self,
        file: BinaryIO,
        rows: int,
        image_shape: tuple[int, int, int],
        label_names: Sequence[str],
        labels: "np.ndarray | None" = None,
    ) -> None:
        """Reserves space.

        Args:
            file: Open for writing bytes.
            rows: How many images will be added.
            image_shape: `(H, W, C)` of each.
            label_names: The classes' names.
            labels: `(rows,)`, those that will be added, where they are known. A small file has them
                in front of its images, and its checksum is then known without reading it again.
        """
        import numpy as np

        self._shape = (rows, *image_shape)
        self._names = label_names
        self._labels = np.zeros(rows, np.int64) if labels is None else labels.astype(np.int64)
        self._count = 0
        columns: dict[str, hdf5.Column] = {"labels": self._labels, "label_names": label_names}
        self._writer = hdf5.RowWriter(file, "images", self._shape, np.dtype("u1"), columns)

    def add(self, images: "np.ndarray", labels: "np.ndarray") -> None:
        """Appends `(N, H, W, C)` uint8 images and their `(N,)` integer labels."""
        end = self._count + len(images)
        if labels.shape != (len(images),) or labels.dtype.kind not in "ui":
            raise DlcvError(
                f"labels of {labels.dtype}, {labels.shape}, do not fit {len(images)} images"
            )
        if images.dtype != "uint8" or images.shape[1:] != self._shape[1:] or end > self._shape[0]:
            raise DlcvError(
                f"rows of {images.dtype}, {images.shape}, do not fit {self._shape} after "
                f"{self._count} rows"
            )
        self._writer.write(self._count, images)
        self._labels[self._count : end] = labels
        self._count = end

    def finish(self) -> str | None:
        """Writes the description around the rows, and returns the file's sha256 if it is known.

        Raises:
            DlcvError: fewer rows were added than announced, or labels have no name.
        """
        if self._count != self._shape[0]:
            raise DlcvError(f"{self._count} rows were written of {self._shape[0]} announced")
        if not 0 <= self._labels.min() <= self._labels.max() < len(self._names):
            raise DlcvError(
                f"labels from {self._labels.min()} to {self._labels.max()} do not fit "
                f"{len(self._names)} label names"
            )
        return self._writer.finish({"labels": self._labels, "label_names": self._names})


def read(place: Path | ByteFile, names: Sequence[str] = ()) -> Packed:
    """Opens a split's file.

    Args:
        place: The file, on a disk or far away.
        names: The classes' names, where the file is to have others, or has none.

    Raises:
        DlcvError: it is no such file, is damaged, or leads to other files.
    """
    import h5py
    import numpy as np

    path = str(place) if isinstance(place, Path) else place.name
    if not _is_hdf5(place):
        is_there = not isinstance(place, Path) or place.exists()
        raise DlcvError(f"{path} {'is no HDF5 file' if is_there else 'does not exist'}")
    try:
        with h5py.File(place if isinstance(place, Path) else _Checked(place), "r") as file:
            labels = _plain_dataset(file, path, "labels")
            content = open_contents(file, place) if CONTENTS in file else _rows(file, place, labels)
            shape = content.shape
            if labels.shape != shape[:1]:
                raise DlcvError(f"{path}: images {shape} and labels {labels.shape} do not agree")
            if 0 in shape:
                raise DlcvError(f"{path} holds no images")
            label_names = tuple(names) or hdf5.class_names(
                path, _plain_dataset(file, path, "label_names")
            )
            values = labels[()].astype(np.int64)
    except hdf5.DAMAGE as error:
        raise hdf5.unreadable(path, error) from None
    if not 0 <= values.min() <= values.max() < len(label_names):
        raise DlcvError(
            f"{path}: labels go from {values.min()} to {values.max()}, "
            f"but there are {len(label_names)} label names"
        )
    check_names(path, label_names)
    return Packed(content, values, label_names)


class _Checked(Readable):
    """What the HDF5 library reads of a file that is far away, checked before it gets it.

    Files on a disk are checked as a whole: here that would fetch them.
    """

    def read(self, size: int | None = -1) -> bytes:
        """Returns the next bytes; raises a `DlcvError` if a heap begins in them without an end."""
        start = self.tell()
        content = super().read(size)
        at = content.find(hdf5.HEAP)
        while at >= 0:
            length = min(hdf5.heap_size(content, at), LARGEST_HEAP)
            whole = self.file.read_at(start + at, length)
            hdf5.refuse_endless_heaps(self.file.name, whole)
            at = content.find(hdf5.HEAP, at + 1)
        return content


def _is_hdf5(place: Path | ByteFile) -> bool:
    if isinstance(place, Path):
        return hdf5.is_hdf5(place)
    return place.read_at(0, len(hdf5.SIGNATURE)) == hdf5.SIGNATURE


def _rows(file: "h5py.File", place: Path | ByteFile, labels: "h5py.Dataset") -> Rows:
    """Returns the rows of an open file's images; raises `DlcvError` where they are no images."""
    path = str(place) if isinstance(place, Path) else place.name
    images = _plain_dataset(file, path, "images")
    if images.ndim != 4:
        raise DlcvError(f"{path}: images {images.shape} and labels {labels.shape} do not agree")
    if images.shape[3] not in (1, 3):
        raise DlcvError(
            f"{path}: images {images.shape} have {images.shape[3]} channels, not 1 or 3; "
            "the order is (images, height, width, channels)"
        )
    return open_rows(place, images)


def numbers_as_names(paths: Sequence[Path]) -> tuple[str, ...]:
    """Returns names for the labels of files of which the first has none; none if it has some.

    Rosebrock's files of images are such (Practitioner Bundle, 2017, chapter 9).

    Raises:
        DlcvError: a file is damaged, or its labels are not whole numbers from 0.
    """
    import h5py

    largest = -1
    for path in paths:
        try:
            with h5py.File(path, "r") as file:
                if path == paths[0] and "label_names" in file:
                    return ()
                labels = _plain_dataset(file, path, "labels")
                largest = max(largest, int(labels[()].max(initial=-1)))
        except hdf5.DAMAGE as error:
            raise hdf5.unreadable(path, error) from None
    if largest >= MOST_NUMBERS:
        raise DlcvError(
            f"{paths[0]} has no label_names, and labels up to {largest}; labels count from 0"
        )
    return tuple(map(str, range(largest + 1)))


def check_names(path: Path | str, names: Sequence[str]) -> None:
    """Refuses names of classes that are not unique, or that would garble a terminal."""
    for name, count in Counter(names).items():
        if count > 1:
            raise DlcvError(f"{path}: {count} classes have the name {name!r}")
        if any(unicodedata.category(character) == "Cc" for character in name):
            raise DlcvError(f"{path}: the class name {name!r} holds control characters")


def _plain_dataset(file: "h5py.File", path: Path | str, name: str) -> "h5py.Dataset":
    """Returns a data set of the right kind, as `hdf5.plain_dataset` does."""
    import h5py

    dataset = hdf5.plain_dataset(file, path, name, "images, labels, label_names")
    if name == "label_names":
        fits = dataset.ndim == 1 and h5py.check_string_dtype(dataset.dtype) is not None
    else:
        fits = dataset.dtype.kind in ("uif" if name == "images" else "ui")
    if not fits:
        raise DlcvError(
            f'{path}: "{name}" holds {dataset.dtype} in {dataset.shape}, not {EXPECTED[name]}'
        )
    return dataset
