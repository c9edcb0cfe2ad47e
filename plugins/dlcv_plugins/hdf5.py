"""Rows in HDF5 files: written so that a full disk can't end the process, opened with suspicion.

The HDF5 library never writes rows here: when a disk is full it ends the process. Rows go straight
to their place in a file whose space is reserved, and the library describes them in a small file in
memory, whose pieces are then written around the rows.
"""

import hashlib
import io
import mmap
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from dlcv import files
from dlcv.errors import DlcvError, PluginError
from dlcv_plugins import storage

if TYPE_CHECKING:
    import h5py
    import numpy as np

SIGNATURE = b"\x89HDF\r\n\x1a\n"
DAMAGE = (OSError, RuntimeError, KeyError, ValueError)
"""What h5py raises for files that are damaged."""
HEAP = b"GCOL\x01\0\0\0"
"""How a heap of texts begins."""
LARGEST_SEARCHED = 2**30
"""Bytes of files of images that are searched for damaged heaps; weights always are."""
ALIGNMENT_BYTES = 65_536
DESCRIPTION_BYTES = 1_000_000
"""Room that is reserved for the description beside the rows and what accompanies them."""
Column: TypeAlias = "np.ndarray | Sequence[str]"
"""Numbers, or texts, that accompany the rows."""


def is_hdf5(path: Path) -> bool:
    """Returns whether a file starts as HDF5 files do."""
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        return file.read(len(SIGNATURE)) == SIGNATURE


def refuse_endless_heaps(path: Path | str, content: "bytes | mmap.mmap | None" = None) -> None:
    """Raises a `DlcvError` for a heap of texts in which the HDF5 library goes round forever.

    That is one with an entry of no size ("HDF5 File Format Specification", III.E, Global Heap).

    Args:
        path: The file.
        content: What to look into where it is not the file itself.
    """
    if content is None and not Path(path).stat().st_size:
        return
    if content is None:
        with (
            open(path, "rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole,
        ):
            refuse_endless_heaps(path, whole)
        return
    at = content.find(HEAP)
    while at >= 0:
        entry, end = at + 16, min(len(content), at + heap_size(content, at))
        while entry + 16 <= end:
            is_free, size = content[entry : entry + 2] == b"\0\0", _number(content, entry + 8)
            if is_free and not size:
                raise DlcvError(f"{path} is damaged: it has a heap of texts without an end")
            entry += size if is_free else 16 + -(-size // 8) * 8
        at = content.find(HEAP, at + 1)


def heap_size(content: "bytes | mmap.mmap", at: int) -> int:
    """Returns how many bytes the heap that begins at a place says that it has."""
    return _number(content, at + 8)


def _number(content: "bytes | mmap.mmap", at: int) -> int:
    return int.from_bytes(content[at : at + 8], "little")


def unreadable(path: Path | str, error: BaseException) -> DlcvError:
    """Returns why h5py can't read a file: another program writes it, or it is damaged."""
    if isinstance(error, BlockingIOError) or "unable to lock file" in str(error):
        return DlcvError(
            f"{path} is in use: another program has it open for writing; close it there, then run "
            "the command again"
        )
    return DlcvError(f"{path} can't be read as HDF5; it is damaged: {error}")


def class_names(path: Path | str, dataset: "h5py.Dataset") -> tuple[str, ...]:
    """Returns the texts of a data set; raises `DlcvError` if one is not UTF-8."""
    names = []
    place = dataset.name.strip("/")
    for content in dataset[()]:
        try:
            names.append(content.decode() if isinstance(content, bytes) else str(content))
        except UnicodeDecodeError:
            raise DlcvError(
                f"{path}: the class name {bytes(content)!r} in {place} is not UTF-8; write the "
                "names as UTF-8"
            ) from None
    return tuple(names)


class RowWriter:
    """Writes the rows of one data set into a file and, at the end, their description."""

    def __init__(
        self,
        file: BinaryIO,
        name: str,
        shape: tuple[int, ...],
        dtype: "np.dtype[Any]",
        columns: Mapping[str, Column],
    ) -> None:
        """Reserves space.

        Args:
            file: Open for writing bytes; what is in it stays, so that writing can go on.
            name: The data set's name.
            shape: Its shape; the first axis counts the rows.
            dtype: Of its numbers.
            columns: What accompanies it, by name, of the final shapes.

        Raises:
            DlcvError: there are no rows, or there is not enough space.
        """
        if shape[0] < 1:
            raise DlcvError("a split without images can't be written")
        self._file = file
        self._name, self._shape, self._dtype = name, shape, dtype
        self._offset, pieces = _describe(name, shape, dtype, columns)
        self._front = _joined(pieces, 0, self._offset)
        self._digest = hashlib.sha256(self._front)
        self._hashed = 0
        around = sum(len(piece) for _, piece in pieces)
        size = self._offset + self._bytes(shape[0]) + around + DESCRIPTION_BYTES
        storage.reserve(file, size)

    def write(self, first: int, rows: "np.ndarray") -> None:
        """Writes rows of the right dtype and shape from row `first` on."""
        import numpy as np

        content = np.ascontiguousarray(rows).data.cast("B")
        write_at(self._file, self._offset + self._bytes(first), content)
        if first == self._hashed:
            self._digest.update(content)
            self._hashed += len(rows)

    def finish(self, columns: Mapping[str, Column], rows: int | None = None) -> str | None:
        """Writes the description around the rows, and what accompanies them.

        Args:
            columns: What accompanies the rows.
            rows: Their number, where it is another than was announced.

        Returns:
            The file's sha256; None where it can't be known without reading the file, because rows
            were not written from the first to the last, or their number was not announced.
        """
        self._shape = (self._shape[0] if rows is None else rows, *self._shape[1:])
        offset, pieces = _describe(self._name, self._shape, self._dtype, columns)
        rows_end = offset + self._bytes(self._shape[0])
        apart = all(at + len(piece) <= offset or at >= rows_end for at, piece in pieces)
        if offset != self._offset or not apart:
            raise PluginError("this HDF5 library lays files out in an unexpected way")
        for position, piece in pieces:
            write_at(self._file, position, piece)
        end = max(position + len(piece) for position, piece in pieces)
        self._file.truncate(end)
        if self._hashed != self._shape[0] or _joined(pieces, 0, offset) != self._front:
            return None
        self._digest.update(_joined(pieces, rows_end, end))
        return self._digest.hexdigest()

    def _bytes(self, rows: int) -> int:
        size = self._dtype.itemsize
        for axis in self._shape[1:]:
            size *= axis
        return rows * size


def plain_dataset(file: "h5py.File", path: Path | str, name: str, expected: str) -> "h5py.Dataset":
    """Returns a data set that lies in this very file; a link could read any file of the user's.

    Args:
        file: An open file.
        path: Its path, for errors.
        name: The data set's name.
        expected: The names that the file needs, for the error where this one is missing.

    Raises:
        DlcvError: it is not there, leads elsewhere, or claims more than the file holds.
    """
    import h5py

    if name not in file:
        raise DlcvError(f'{path} has no data set "{name}"; it needs {expected}')
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
    return dataset


def _describe(
    name: str, shape: tuple[int, ...], dtype: "np.dtype[Any]", columns: Mapping[str, Column]
) -> tuple[int, list[tuple[int, bytes]]]:
    """Lets the HDF5 library describe rows that it does not see.

    Returns:
        Where the rows must be, and what to write elsewhere as (position, bytes).
    """
    import h5py
    import numpy as np

    memory = _Recorder()
    with h5py.File(
        memory, "w", alignment_threshold=ALIGNMENT_BYTES, alignment_interval=ALIGNMENT_BYTES
    ) as file:
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_layout(h5py.h5d.CONTIGUOUS)
        properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        # The same rows give the same bytes, whenever they are written.
        properties.set_obj_track_times(False)
        space = h5py.h5s.create_simple(shape)
        kind = h5py.h5t.py_create(dtype, logical=True)
        rows = h5py.h5d.create(file.id, name.encode(), kind, space, properties)
        offset = rows.get_offset()
        for column, values in columns.items():
            if isinstance(values, np.ndarray):
                file.create_dataset(column, data=values)
            else:
                # A name of a file may be any bytes; h5py takes no text that is not UTF-8.
                encoded = [value.encode(errors="surrogateescape") for value in values]
                file.create_dataset(column, data=encoded, dtype=h5py.string_dtype())
    return offset, memory.pieces


def _joined(pieces: Sequence[tuple[int, bytes]], start: int, end: int) -> bytes:
    """Returns what a file has from one place to another, with zeros between the pieces."""
    content = bytearray(end - start)
    for at, piece in pieces:
        if start <= at and at + len(piece) <= end:
            content[at - start : at - start + len(piece)] = piece
    return bytes(content)


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


def write_at(file: BinaryIO, position: int, data: bytes | memoryview) -> None:
    """Writes bytes at a position of a file, all of them; raises `WriteError` if it can't."""
    view = memoryview(data)
    while view:
        try:
            written = os.pwrite(file.fileno(), view, position)
        except OSError as error:
            path = Path(os.fsdecode(file.name))
            raise files.write_error(path, error, None, position + len(view)) from error
        view, position = view[written:], position + written
