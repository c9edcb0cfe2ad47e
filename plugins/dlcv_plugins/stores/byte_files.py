"""Files that are read at any place, by several threads at once."""

import os
import weakref
from pathlib import Path
from typing import Protocol

from dlcv.errors import DlcvError


class ByteFile(Protocol):
    """A file that is read at any place, by several threads at once.

    Attributes:
        name: What names it to people: its path, or its address.
        size: Its length in bytes.
        identity: A text that changes when the content does: its path, size and time.
    """

    name: str
    size: int
    identity: str

    def read_at(self, position: int, length: int) -> bytes:
        """Returns the bytes from a position on: fewer than `length` at the end of the file alone.

        Raises:
            DlcvError: the file can't be read.
        """


class LocalFile:
    """A file on a disk, which is read and not mapped: one that is cut off is an error then."""

    def __init__(self, path: Path) -> None:
        """Opens the file.

        Raises:
            DlcvError: it can't be read.
        """
        self.name = os.fspath(path)
        try:
            self._descriptor = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise DlcvError(f"{path} can't be read: {error.strerror}") from None
        weakref.finalize(self, os.close, self._descriptor)
        status = os.fstat(self._descriptor)
        self.size = status.st_size
        self.identity = f"{path.absolute()} {status.st_size} {status.st_mtime_ns}"

    def read_at(self, position: int, length: int) -> bytes:
        """Reads from the disk."""
        try:
            return os.pread(self._descriptor, length, position)
        except OSError as error:
            raise DlcvError(f"{self.name} can't be read: {error.strerror}") from None
