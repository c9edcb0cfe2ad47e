"""The rows of an HDF5 file's images: read straight from where they lie, or by the HDF5 library."""

import os
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dlcv.errors import DlcvError
from dlcv_plugins.hdf5 import DAMAGE

if TYPE_CHECKING:
    import h5py
    import numpy as np


class Rows(Protocol):
    """Images by row; may be read from several threads at once.

    Attributes:
        shape: `(N, H, W, C)`.
    """

    shape: tuple[int, int, int, int]

    def read(self, indices: "Sequence[int] | np.ndarray") -> "np.ndarray":
        """Returns `(len(indices), H, W, C)` uint8, in the order asked."""


class PlainRows:
    """Rows of bytes that lie in the file one after the other.

    They are read, not memory-mapped: a file that is cut off while it is mapped ends the process,
    and mapped pages count as its memory, which so would grow with the data set.
    """

    def __init__(self, path: Path, offset: int, shape: tuple[int, int, int, int]) -> None:
        """Opens the file; the first row starts at `offset`, in bytes."""
        self.shape = shape
        self._path = path
        self._offset = offset
        self._descriptor = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._descriptor)

    def read(self, indices: "Sequence[int] | np.ndarray") -> "np.ndarray":
        """Reads rows.

        Raises:
            DlcvError: the file can't be read, or was cut off since it was opened.
        """
        import numpy as np

        chosen = np.asarray(indices, np.int64)
        if chosen.size and not 0 <= chosen.min() <= chosen.max() < self.shape[0]:
            raise IndexError(f"rows {chosen.min()} to {chosen.max()} of {self.shape[0]}")
        rows = np.empty((len(chosen), *self.shape[1:]), np.uint8)
        size = rows[:1].nbytes
        memory = rows.reshape(-1).data
        positions = (chosen * size + self._offset).tolist()
        for start, position in zip(range(0, rows.nbytes, size), positions, strict=True):
            try:
                count = os.preadv(self._descriptor, (memory[start : start + size],), position)
            except OSError as error:
                raise DlcvError(f"{self._path} can't be read: {error.strerror}") from None
            if count != size:
                raise DlcvError(f"{self._path} was cut off while it was in use; pack it anew")
        return rows


class LibraryRows:
    """Rows that the HDF5 library has to read: compressed, in chunks, or not bytes."""

    def __init__(self, path: Path, shape: tuple[int, int, int, int]) -> None:
        self.shape = shape
        self._path = path
        self._lock = threading.Lock()
        self._file: h5py.File | None = None

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


def open_rows(path: Path, images: "h5py.Dataset") -> Rows:
    """Returns the rows of an open file's images.

    Raises:
        DlcvError: the file is shorter than its rows.
    """
    offset = images.id.get_offset()
    if images.dtype != "uint8" or images.chunks is not None or offset is None:
        return LibraryRows(path, images.shape)
    if offset + images.size > path.stat().st_size:
        raise DlcvError(f"{path} is cut off: {len(images)} rows do not fit into it")
    return PlainRows(path, offset, images.shape)
