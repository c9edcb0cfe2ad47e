"""The rows of an HDF5 file's images: read straight from where they lie, or by the HDF5 library."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from dlcv.errors import DlcvError
from dlcv_plugins.hdf5 import DAMAGE
from dlcv_plugins.stores.byte_files import ByteFile, LocalFile

if TYPE_CHECKING:
    import h5py
    import numpy as np

READERS = 16
"""Rows that are read at once where they are far away."""


class Rows(Protocol):
    """Images by row; may be read from several threads at once.

    Attributes:
        shape: `(N, H, W, C)`.
    """

    shape: tuple[int, int, int, int]

    def read(self, indices: "Sequence[int] | np.ndarray") -> "np.ndarray":
        """Returns `(len(indices), H, W, C)` uint8, in the order asked."""


class PlainRows:
    """Rows of bytes that lie in a file, or in several, one after the other.

    They are read, not memory-mapped: a file that is cut off while it is mapped ends the process,
    and mapped pages count as its memory, which so would grow with the data set.
    """

    def __init__(
        self, parts: "Sequence[tuple[LocalFile, int, int]]", image_shape: tuple[int, int, int]
    ) -> None:
        """Opens the files, of many the first ones.

        Args:
            parts: Each file, the place of its first row in bytes, and how many rows it has.
            image_shape: `(H, W, C)` of every row.
        """
        import numpy as np

        self.parts = parts
        self._starts = np.cumsum([0, *(count for *_, count in parts)])
        self.shape = (int(self._starts[-1]), *image_shape)
        self._offsets = np.array([offset for _, offset, _ in parts], np.int64)
        for file, *_ in parts:
            file.keep_open()

    def __reduce__(self) -> tuple[Any, ...]:
        """Is opened again by the process that it is sent to."""
        return PlainRows, (self.parts, self.shape[1:])

    def read(self, indices: "Sequence[int] | np.ndarray") -> "np.ndarray":
        """Reads rows.

        Raises:
            DlcvError: a file can't be read, or was cut off since it was opened.
        """
        import numpy as np

        chosen = np.asarray(indices, np.int64)
        if chosen.size and not 0 <= chosen.min() <= chosen.max() < self.shape[0]:
            raise IndexError(f"rows {chosen.min()} to {chosen.max()} of {self.shape[0]}")
        rows = np.empty((len(chosen), *self.shape[1:]), np.uint8)
        size = rows[:1].nbytes
        memory = rows.reshape(-1).data
        part = self._starts.searchsorted(chosen, "right") - 1
        positions = (chosen - self._starts[part]) * size + self._offsets[part]
        starts = range(0, rows.nbytes, size)
        for start, number, position in zip(starts, part.tolist(), positions.tolist(), strict=True):
            file = self.parts[number][0]
            if file.read_into(memory[start : start + size], position) != size:
                raise DlcvError(f"{file.name} was cut off while it was in use; pack it anew")
        return rows


class LibraryRows:
    """Rows that the HDF5 library has to read: compressed, in chunks, or not bytes."""

    def __init__(self, path: Path, shape: tuple[int, int, int, int]) -> None:
        self.shape = shape
        self._path = path
        self._lock = threading.Lock()
        self._file: h5py.File | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Is opened again by the process that it is sent to."""
        return LibraryRows, (self._path, self.shape)

    def read(self, indices: "Sequence[int] | np.ndarray") -> "np.ndarray":
        """Reads rows.

        Raises:
            DlcvError: they can't be read, or hold other values than whole numbers from 0 to 255.
        """
        import h5py
        import numpy as np

        order, inverse = np.unique(np.asarray(indices), return_inverse=True)
        try:
            with self._lock:
                self._file = self._file or h5py.File(self._path, "r")
                rows = self._file["images"][order][inverse]
        except DAMAGE as error:
            raise DlcvError(f"{self._path}: rows can't be read: {error}") from None
        return rows if rows.dtype == np.uint8 else self._as_bytes(rows, np.asarray(indices))

    def _as_bytes(self, rows: "np.ndarray", indices: "np.ndarray") -> "np.ndarray":
        """Returns whole numbers from 0 to 255 as uint8; refuses others."""
        import numpy as np

        fits = ((rows >= 0) & (rows <= 255)).all(axis=(1, 2, 3))
        if not fits.all():
            first = int(fits.argmin())
            raise DlcvError(
                f"{self._path}: pixels go beyond 0 to 255 in row {indices[first]}, which has "
                f"values from {rows[first].min():.3g} to {rows[first].max():.3g}; "
                "bring them into that range, round, and store them as uint8"
            )
        if (rows != np.round(rows)).any():
            raise DlcvError(
                f"{self._path}: pixels must be whole numbers from 0 to 255, received values from "
                f"{rows.min():.3g} to {rows.max():.3g}; if they go from 0 to 1, multiply by 255, "
                "round, and store them as uint8"
            )
        return rows.astype(np.uint8)


class FarRows:
    """Rows of bytes in files that are far away, of which many are read at once."""

    def __init__(
        self, parts: "Sequence[tuple[ByteFile, int, int]]", image_shape: tuple[int, int, int]
    ) -> None:
        """Takes each file, the place of its first row in bytes, and how many rows it has."""
        import numpy as np

        self.parts = parts
        self._starts = np.cumsum([0, *(count for *_, count in parts)])
        self.shape = (int(self._starts[-1]), *image_shape)

    def read(self, indices: "Sequence[int] | np.ndarray") -> "np.ndarray":
        """Reads rows.

        Raises:
            DlcvError: a file can't be read.
        """
        import numpy as np

        chosen = np.asarray(indices, np.int64)
        rows = np.empty((len(chosen), *self.shape[1:]), np.uint8)
        size = rows[:1].nbytes

        def read(index: int) -> bytes:
            part = int(self._starts.searchsorted(index, "right")) - 1
            file, offset, _ = self.parts[part]
            return file.read_at(offset + (index - int(self._starts[part])) * size, size)

        with ThreadPoolExecutor(READERS) as executor:
            for place, content in enumerate(executor.map(read, chosen.tolist())):
                rows[place] = np.frombuffer(content, np.uint8).reshape(self.shape[1:])
        return rows


def open_rows(place: Path | ByteFile, images: "h5py.Dataset") -> Rows:
    """Returns the rows of an open file's images.

    Args:
        place: The file, on a disk or far away.
        images: Its images.

    Raises:
        DlcvError: the file is shorter than its rows, or far away and not of plain rows.
    """
    offset = images.id.get_offset()
    is_plain = images.dtype == "uint8" and images.chunks is None and offset is not None
    if isinstance(place, Path):
        if not is_plain:
            return LibraryRows(place, images.shape)
        name, size = str(place), place.stat().st_size
    else:
        name, size = place.name, place.size
        if not is_plain:
            raise DlcvError(
                f"{name}: rows that are compressed or in chunks are read from disk only"
            )
    if offset + images.size > size:
        raise DlcvError(f"{name} is cut off: {len(images)} rows do not fit into it")
    shape = images.shape[1:]
    if isinstance(place, Path):
        return PlainRows([(LocalFile(place), offset, len(images))], shape)
    return FarRows([(place, offset, len(images))], shape)


def joined(rows: Sequence[Rows]) -> Rows:
    """Returns the rows of several files as those of one.

    Raises:
        DlcvError: they are compressed or stored in chunks, or their images differ in shape.
    """
    if len(rows) == 1:
        return rows[0]
    shapes = {each.shape[1:] for each in rows}
    near = [each for each in rows if isinstance(each, PlainRows)]
    far = [each for each in rows if isinstance(each, FarRows)]
    if len(shapes) == 1 and len(near) == len(rows):
        return PlainRows([part for each in near for part in each.parts], shapes.pop())
    if len(shapes) == 1 and len(far) == len(rows):
        return FarRows([part for each in far for part in each.parts], shapes.pop())
    raise DlcvError(
        "several files of a split must hold images of one shape, as bytes and in one piece"
    )
