"""Blocks of files in object storage, kept on disk within a bound that all processes share."""

import functools
import hashlib
import logging
import os
import shutil
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from dlcv import files
from dlcv.errors import DlcvError, reason_of
from dlcv_plugins.storage import waited_lock
from dlcv_plugins.stores.byte_files import is_sampled

logger = logging.getLogger(__name__)
SECONDS_TO_WAIT = 10
"""For other processes that write a block."""


class Cache:
    """The blocks in a folder; may be used by several threads and processes at once.

    How many bytes they have together is in a file beside the folder, which changes under a lock
    only, as the blocks do. It is measured when a data set is opened.
    """

    def __init__(self, folder: Path) -> None:
        """Reads how much the blocks take, if that is known.

        Args:
            folder: The folder, which may not exist yet.
        """
        self._folder = folder
        self._count_file = folder.with_name(f"{folder.name}.bytes")
        self._used = self._counted() or 0
        self._is_writable = True
        self._writing, self._guard = threading.Lock(), threading.Lock()
        self._fetching: weakref.WeakValueDictionary[Path, threading.Lock] = (
            weakref.WeakValueDictionary()
        )

    def part(
        self,
        identity: str,
        number: int,
        size: int,
        part: slice,
        *,
        fetch: Callable[[], bytes],
        most: int,
    ) -> bytes | None:
        """Returns a part of a block, which is fetched as a whole and kept where there is room.

        Threads that need the same block wait for the one that fetches it.

        Args:
            identity: What tells the file's content from others.
            number: The block's number.
            size: Its length in bytes.
            part: The bytes of it that are needed.
            fetch: Fetches the block.
            most: Bytes that all blocks may take.

        Returns:
            The bytes; None where the block is neither there nor kept, so that the part alone is
            read better.
        """
        path = self._folder_of(identity) / f"{number:08d}"
        if (content := _read(path, size, part)) is not None:
            return content
        if not self._keeps(size, most):
            return None
        with self._guard:
            lock = self._fetching.setdefault(path, threading.Lock())
        with lock:
            if (content := _read(path, size, part)) is not None:
                return content
            if not self._keeps(size, most):
                return None
            block = fetch()
            self._keep(path, block, most)
        return block[part]

    def make_room(self, wanted: Mapping[str, int], most: int) -> None:
        """Removes what other data sets have in the cache, the one that was used first first.

        What the wanted files have stays, and may fill the rest.

        Args:
            wanted: The sizes of the files of the data set that is opened, by identity.
            most: Bytes that all blocks may take; of 0, nothing changes.
        """
        if not most:
            return
        own = set(map(self._folder_of, wanted))
        with self._noting_failures(), self._locked():
            for folder in own:
                files.sweep(folder)
            sizes = {
                folder: _size(folder) for folder in sorted(self._folder.iterdir(), key=_when_used)
            }
            others = [folder for folder in sizes if folder not in own]
            ours = [folder for folder in sizes if folder in own]
            there = sum(sizes[folder] for folder in ours)
            for folders, needed in ((others, sum(wanted.values()) - there), (ours, 0)):
                while folders and sum(sizes.values()) + needed > most:
                    oldest = folders.pop(0)
                    shutil.rmtree(oldest, ignore_errors=True)
                    del sizes[oldest]
            for folder in ours:
                with suppress(OSError):
                    os.utime(folder)
            self._count(sum(sizes.values()))
            self._is_writable = True

    def _keeps(self, size: int, most: int) -> bool:
        return self._is_writable and not is_sampled() and self._used + size <= most

    def _keep(self, path: Path, block: bytes, most: int) -> None:
        """Writes a block if there is room, and no other process was faster."""
        with self._noting_failures(), self._locked():
            before = self._counted()
            self._used = self._measured() if before is None else before
            if self._used + len(block) > most or _read(path, len(block), slice(0, 0)) is not None:
                return
            # First, so that a process that is killed leaves a number too high, not one too low.
            self._count(self._used + len(block))
            try:
                path.parent.mkdir(exist_ok=True)
                files.write_atomically(path, block)
            except BaseException:
                self._count(self._used - len(block))
                raise

    def _count(self, used: int) -> None:
        self._used = used
        self._count_file.write_text(str(used))

    def _counted(self) -> int | None:
        try:
            return int(self._count_file.read_text())
        except (OSError, ValueError):
            return None

    def _measured(self) -> int:
        return sum(map(_size, self._folder.iterdir()))

    def _folder_of(self, identity: str) -> Path:
        return self._folder / hashlib.sha256(identity.encode()).hexdigest()[:32]

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keeps other threads and processes from changing the cache."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder.with_name(f"{self._folder.name}.lock")
        refusal = "another process holds its lock"
        with self._writing, waited_lock(path, refusal, SECONDS_TO_WAIT):
            yield

    @contextmanager
    def _noting_failures(self) -> Iterator[None]:
        """Lets nothing more be kept where the block fails, which is a warning."""
        try:
            yield
        except (DlcvError, OSError) as error:
            if self._is_writable:
                logger.warning(
                    "%s can't be used (%s); what is read is not kept",
                    self._folder,
                    reason_of(error),
                )
            self._is_writable = False


@functools.cache
def cache_in(folder: Path) -> Cache:
    """Returns the cache in a folder, one a process."""
    return Cache(folder)


def _read(path: Path, size: int, part: slice) -> bytes | None:
    """Returns a part of a block on disk; None where it is not there as a whole."""
    try:
        with open(path, "rb", buffering=0) as file:
            if os.fstat(file.fileno()).st_size != size:
                return None
            content = os.pread(file.fileno(), part.stop - part.start, part.start)
    except OSError:
        return None
    return content if len(content) == part.stop - part.start else None


def _size(folder: Path) -> int:
    """Returns the bytes of a folder's files, as far as nobody removes them meanwhile."""
    total = 0
    with suppress(OSError):
        for file in folder.iterdir():
            with suppress(OSError):
                total += file.stat().st_size
    return total


def _when_used(folder: Path) -> int:
    """Returns when a folder was used; one that is gone was used last."""
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return sys.maxsize
