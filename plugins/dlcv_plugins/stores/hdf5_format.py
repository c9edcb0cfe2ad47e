"""The file of one split: `images`, `labels` and `label_names`, readable by any HDF5 tool.

The HDF5 library never writes rows here: when a disk is full it ends the process. Rows go straight
to their place in a file whose space is reserved, and the library describes them in a small file in
memory, whose pieces are then written around the rows.
"""

import io
import os
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import attrs

from dlcv import files
from dlcv.errors import DlcvError, PluginError
from dlcv_plugins.stores.hdf5_rows import DAMAGE, Rows, open_rows

if TYPE_CHECKING:
    import h5py
    import numpy as np

SIGNATURE = b"\x89HDF\r\n\x1a\n"
ALIGNMENT_BYTES = 65_536
DESCRIPTION_BYTES = 1_000_000
"""Room that is reserved for the description beside the rows and labels."""
EXPECTED = {
    "images": "numbers",
    "labels": "whole numbers",
    "label_names": "a row of texts",
}
"""What each data set of a file holds."""


@attrs.frozen(eq=False)
class Packed:
    """A split's content.

    Attributes:
        rows: The images.
        labels: `(N,)` int64.
        label_names: The classes' names.
    """

    rows: Rows
    labels: "np.ndarray"
    label_names: tuple[str, ...]


def is_hdf5(path: Path) -> bool:
    """Returns whether a file starts as HDF5 files do."""
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        return file.read(len(SIGNATURE)) == SIGNATURE


class RowWriter:
    """Writes one file's rows and, at the end, their description."""

    def __init__(self, file: BinaryIO, rows: int, image_shape: tuple[int, int, int]) -> None:
        import numpy as np

        if rows < 1:
            raise DlcvError("a split without images can't be written")
        self._file = file
        self._shape = (rows, *image_shape)
        self._labels = np.zeros(rows, np.int64)
        self._count = 0
        self._offset, _ = _describe(self._shape, self._labels, ["a class"])
        files.reserve(file, self._offset + rows * (self._row_bytes + 8) + DESCRIPTION_BYTES)

    def add(self, images: "np.ndarray", labels: "np.ndarray") -> None:
        """Appends `(N, H, W, C)` uint8 images and their `(N,)` integer labels."""
        import numpy as np

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
        position = self._offset + self._count * self._row_bytes
        _write_at(self._file, position, np.ascontiguousarray(images).data.cast("B"))
        self._labels[self._count : end] = labels
        self._count = end

    def finish(self, label_names: Sequence[str]) -> None:
        """Writes the description around the rows.

        Raises:
            DlcvError: fewer rows were added than announced, or labels have no name.
        """
        if self._count != self._shape[0]:
            raise DlcvError(f"{self._count} rows were written of {self._shape[0]} announced")
        if not 0 <= self._labels.min() <= self._labels.max() < len(label_names):
            raise DlcvError(
                f"labels from {self._labels.min()} to {self._labels.max()} do not fit "
                f"{len(label_names)} label names"
            )
        offset, pieces = _describe(self._shape, self._labels, label_names)
        rows_end = offset + self._shape[0] * self._row_bytes
        apart = all(at + len(piece) <= offset or at >= rows_end for at, piece in pieces)
        if offset != self._offset or not apart:
            raise PluginError("this HDF5 library lays files out in an unexpected way")
        for position, piece in pieces:
            _write_at(self._file, position, piece)
        self._file.truncate(max(position + len(piece) for position, piece in pieces))

    @property
    def _row_bytes(self) -> int:
        _, height, width, channels = self._shape
        return height * width * channels


def read(path: Path) -> Packed:
    """Opens a split's file.

    Raises:
        DlcvError: it is no such file, is damaged, or leads to other files.
    """
    import h5py
    import numpy as np

    if not is_hdf5(path):
        reason = "is no HDF5 file" if path.exists() else "does not exist"
        raise DlcvError(f"{path} {reason}")
    try:
        with h5py.File(path, "r") as file:
            images, labels, names = (
                _plain_dataset(file, path, n) for n in ("images", "labels", "label_names")
            )
            if images.ndim != 4 or labels.ndim != 1 or len(images) != len(labels):
                raise DlcvError(
                    f"{path}: images {images.shape} and labels {labels.shape} do not agree"
                )
            if not images.size:
                raise DlcvError(f"{path} holds no images")
            if images.shape[3] not in (1, 3):
                raise DlcvError(
                    f"{path}: images {images.shape} have {images.shape[3]} channels, not 1 or 3; "
                    "the order is (images, height, width, channels)"
                )
            label_names = tuple(names.asstr("utf-8")[:].tolist())
            values = labels[()].astype(np.int64)
            rows = open_rows(path, images)
    except DAMAGE as error:
        raise DlcvError(f"{path} can't be read as HDF5; it is damaged: {error}") from None
    if not 0 <= values.min() <= values.max() < len(label_names):
        raise DlcvError(
            f"{path}: labels go from {values.min()} to {values.max()}, "
            f"but there are {len(label_names)} label names"
        )
    check_names(path, label_names)
    return Packed(rows, values, label_names)


def check_names(path: Path, names: Sequence[str]) -> None:
    """Refuses names of classes that are not unique, or that would garble a terminal."""
    for name, count in Counter(names).items():
        if count > 1:
            raise DlcvError(f"{path}: {count} classes have the name {name!r}")
        if any(unicodedata.category(character) == "Cc" for character in name):
            raise DlcvError(f"{path}: the class name {name!r} holds control characters")


def _plain_dataset(file: "h5py.File", path: Path, name: str) -> "h5py.Dataset":
    """Returns a data set that lies in this very file; a link could read any file of the user's."""
    import h5py

    if name not in file:
        raise DlcvError(f'{path} has no data set "{name}"; it needs images, labels, label_names')
    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise DlcvError(f'{path}: "{name}" is a link, which is refused')
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset):
        raise DlcvError(f'{path}: "{name}" is no data set')
    if dataset.external is not None or dataset.is_virtual:
        raise DlcvError(f'{path}: "{name}" leads to another file, which is refused')
    stored = max(1, dataset.id.get_storage_size())
    if dataset.size * dataset.dtype.itemsize > 1000 * stored:
        raise DlcvError(f'{path}: "{name}" claims far more than the file holds')
    if name == "label_names":
        fits = dataset.ndim == 1 and h5py.check_string_dtype(dataset.dtype) is not None
    else:
        fits = dataset.dtype.kind in ("uif" if name == "images" else "ui")
    if not fits:
        raise DlcvError(
            f'{path}: "{name}" holds {dataset.dtype} in {dataset.shape}, not {EXPECTED[name]}'
        )
    return dataset


def _describe(
    shape: tuple[int, ...], labels: "np.ndarray", label_names: Sequence[str]
) -> tuple[int, list[tuple[int, bytes]]]:
    """Lets the HDF5 library describe rows that it does not see.

    Returns:
        Where the rows must be, and what to write elsewhere as (position, bytes).
    """
    import h5py

    memory = _Recorder()
    with h5py.File(
        memory, "w", alignment_threshold=ALIGNMENT_BYTES, alignment_interval=ALIGNMENT_BYTES
    ) as file:
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_layout(h5py.h5d.CONTIGUOUS)
        properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        # The same images give the same bytes, whenever they are packed.
        properties.set_obj_track_times(False)
        space = h5py.h5s.create_simple(shape)
        images = h5py.h5d.create(file.id, b"images", h5py.h5t.STD_U8LE, space, properties)
        offset = images.get_offset()
        file.create_dataset("labels", data=labels)
        file.create_dataset("label_names", data=list(label_names), dtype=h5py.string_dtype())
    return offset, memory.pieces


class _Recorder(io.RawIOBase):
    """A file in memory that remembers what was written where, and holds nothing in between."""

    def __init__(self) -> None:
        self.pieces: list[tuple[int, bytes]] = []
        self._position = 0

    def write(self, data: Any) -> int:
        self.pieces.append((self._position, bytes(data)))
        self._position += len(data)
        return len(data)

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        view[:] = bytes(len(view))
        start, end = self._position, self._position + len(view)
        for at, piece in self.pieces:
            low, high = max(start, at), min(end, at + len(piece))
            if low < high:
                view[low - start : high - start] = piece[low - at : high - at]
        self._position = end
        return len(view)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        ends = [at + len(piece) for at, piece in self.pieces]
        bases = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: max(ends, default=0)}
        self._position = bases[whence] + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def truncate(self, size: int | None = None) -> int:
        return size or 0


def _write_at(file: BinaryIO, position: int, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file.fileno(), view, position)
        view, position = view[written:], position + written
