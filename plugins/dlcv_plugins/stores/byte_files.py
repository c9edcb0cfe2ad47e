"""Files that are read at any place, by several threads at once."""

import io
import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from dlcv import files
from dlcv.errors import DlcvError

MOST_OPEN = 400
AT_ONCE = 64
"""Images of a sample that are in memory together."""


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
    """A file on a disk, which is read and not mapped: one that is cut off is an error then.

    Some hundred files stay open, and further ones are opened for each reading: a system lets a
    process have some thousand open, and a data set may have more parts.
    """

    def __init__(self, path: Path) -> None:
        """Looks the file up.

        Raises:
            DlcvError: it can't be read.
        """
        self.name = os.fspath(path)
        self._descriptor: int | None = None
        try:
            status = os.stat(path)
            os.close(files.regular(path, os.O_RDONLY))
        except OSError as error:
            raise DlcvError(f"{path} can't be read: {error.strerror}") from None
        self.size = status.st_size
        self.identity = f"{path.absolute()} {status.st_size} {status.st_mtime_ns}"

    def __reduce__(self) -> tuple[Any, ...]:
        """Is opened again by the process that it is sent to."""
        return LocalFile, (Path(self.name),)

    def read_at(self, position: int, length: int) -> bytes:
        """Reads from the disk."""
        # Python reserves memory for all that is asked for, and a damaged file may state any length.
        length = min(length, self.size - position)
        if length <= 0:
            return b""
        try:
            if self._descriptor is not None:
                return os.pread(self._descriptor, length, position)
            with self._opened() as descriptor:
                return os.pread(descriptor, length, position)
        except OSError as error:
            raise DlcvError(f"{self.name} can't be read: {error.strerror}") from None

    def read_into(self, memory: memoryview, position: int) -> int:
        """Fills memory from a position on; returns how many bytes there were.

        Raises:
            DlcvError: the file can't be read.
        """
        try:
            if self._descriptor is not None:
                return os.preadv(self._descriptor, (memory,), position)
            with self._opened() as descriptor:
                return os.preadv(descriptor, (memory,), position)
        except OSError as error:
            raise DlcvError(f"{self.name} can't be read: {error.strerror}") from None

    def keep_open(self) -> None:
        """Opens the file to stay so, where not too many are open."""
        if self._descriptor is None:
            with self._opened():
                pass

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """Gives a descriptor, which stays open where few others do."""
        try:
            descriptor = os.open(self.name, os.O_RDONLY)
        except OSError as error:
            raise DlcvError(f"{self.name} can't be read: {error.strerror}") from None
        if _stays_open(self, descriptor):
            yield descriptor
            return
        try:
            yield descriptor
        finally:
            os.close(descriptor)


_lock = threading.Lock()
_open_files: "weakref.WeakSet[LocalFile]" = weakref.WeakSet()


def _stays_open(file: LocalFile, descriptor: int) -> bool:
    """Gives a file its descriptor, where few others have one and no thread was faster."""
    with _lock:
        if file._descriptor is not None or len(_open_files) >= MOST_OPEN:
            return False
        file._descriptor = descriptor
        _open_files.add(file)
    weakref.finalize(file, os.close, descriptor)
    return True


_sampling: set[object] = set()


@contextmanager
def sampled() -> Iterator[None]:
    """Lets far files be read in just the lengths that are asked for, and nothing be kept.

    That is for a few places all over a data set, around each of which little else is needed.
    """
    sampler = object()
    _sampling.add(sampler)
    try:
        yield
    finally:
        _sampling.discard(sampler)


def is_sampled() -> bool:
    """Returns whether the process reads samples at the moment, whatever else it reads."""
    return bool(_sampling)


class LastBlock:
    """A file of which the block that was read last stays in memory; for one thread.

    That is for small readings that go on from each other in a file that is far away.
    """

    def __init__(self, file: ByteFile, size: int) -> None:
        """Takes the file, and the length of a block in bytes."""
        self.name, self.size, self.identity = file.name, file.size, file.identity
        self._file = file
        self._block_size = size
        self._number, self._block = -1, b""

    def read_at(self, position: int, length: int) -> bytes:
        """Reads from the block, or the blocks that follow."""
        end, parts = min(position + length, self.size), []
        while position < end:
            number, start = divmod(position, self._block_size)
            if number != self._number:
                at = number * self._block_size
                self._block, self._number = self._file.read_at(at, self._block_size), number
            parts.append(self._block[start : start + end - position])
            position += max(1, len(parts[-1]))
        return b"".join(parts)


class Readable(io.RawIOBase):
    """A file as libraries read it that know Python's: from a place on, which moves."""

    def __init__(self, file: ByteFile) -> None:
        """Begins at the file's start."""
        self.file = file
        self._position = 0

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """It can be read from any place on."""
        return True

    def tell(self) -> int:
        """Returns the place in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves the place."""
        bases = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.file.size}
        self._position = bases[whence] + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fills a buffer, as far as the file goes."""
        view = memoryview(buffer).cast("B")
        content = self.read(len(view))
        view[: len(content)] = content
        return len(content)

    def read(self, size: int | None = -1) -> bytes:
        """Returns the next bytes, all that are left if no number is named."""
        length = self.file.size - self._position if size is None or size < 0 else size
        content = self.file.read_at(self._position, max(0, length))
        self._position += len(content)
        return content
