"""Files that are whole or not there: atomic writes, locks, checksums, arrays."""

import errno
import fcntl
import hashlib
import itertools
import logging
import math
import os
import re
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO

from dlcv import signals
from dlcv.errors import DlcvError, WriteError
from dlcv.packages import added
from dlcv.progress import track

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger(__name__)
HASHED_AT_ONCE = 4_000_000
"""Bytes."""
TEMPORARY = re.compile(r"\.(?P<stem>.+?)(\.\d+-\d+)?\.(tmp|part|new)(?P<suffix>\.[^.]*)?")
"""The names of files and folders while they are written."""
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What fails where a disk, or a user's share of it, is full, or a file may not be that large."""
DISK_FAILURES = FULL | {errno.EIO, errno.EROFS}
UNSUPPORTED = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM})
"""What fails where a file system has no locks, no links, or can't flush folders."""

_counter = itertools.count(int.from_bytes(os.urandom(3)))  # Containers share numbers of processes.
_without_locks: set[int] = set()


@contextmanager
def atomic_path(path: Path, *, size: int | None = None) -> Iterator[Path]:
    """Gives a temporary path beside `path`, which takes its place when the block ends well.

    The file is flushed to disk before it is renamed, and so is the folder after; if the block
    raises, the temporary file is removed and `path` stays as it was. The temporary name keeps the
    suffix, because some libraries choose the format by it.

    Args:
        path: The file's final name.
        size: How many bytes will be written, for the message of a full disk; None if unknown.

    Raises:
        WriteError: the file can't be written: the disk is full, read-only or broken.
    """
    temporary = temporary_path(path)
    with to_replace(path, temporary, size):
        yield temporary
        flush(temporary)
        os.replace(temporary, path)
    flush(path.parent)


@contextmanager
def to_replace(path: Path, temporary: Path, size: int | None = None) -> Iterator[None]:
    """Removes a temporary file or folder if the block, which gives it its final name, raises.

    Args:
        path: The final name.
        temporary: The temporary name.
        size: How many bytes will be written; None if unknown.

    Raises:
        WriteError: the disk is full, read-only or broken.
    """
    try:
        with signals.calling_before_exit(partial(remove, temporary)):
            yield
    except BaseException as error:
        written = sum(map(_size, (temporary, *temporary.rglob("*"))))
        with suppress(OSError):
            remove(temporary)
        if isinstance(error, OSError) and _is_of(error, temporary):
            raise write_error(path, error, size, written) from error
        raise


def temporary_path(path: Path) -> Path:
    """Returns a hidden name beside `path` that no other thread or process uses."""
    return path.with_name(f".{path.stem}.{os.getpid()}-{next(_counter)}.tmp{path.suffix}")


def final_path(path: Path) -> Path:
    """Returns the name that a temporary file, or one in a temporary folder, will have."""
    parts = [
        f"{match['stem']}{match['suffix'] or ''}" if (match := TEMPORARY.fullmatch(part)) else part
        for part in path.parts
    ]
    return Path(*parts)


def write_atomically(path: Path, content: bytes | str) -> None:
    """Writes a whole file; under its name there is the old content or the new, never a part.

    Raises:
        WriteError: the file can't be written.
    """
    encoded = content.encode() if isinstance(content, str) else content
    with atomic_path(path, size=len(encoded)) as temporary:
        temporary.write_bytes(encoded)


def sweep(folder: Path) -> None:
    """Removes what killed processes left half-written; nobody else may be writing there."""
    for leftover in folder.glob(".*.tmp*"):
        remove(leftover)


def refuse_existing(path: Path, *, force: bool) -> None:
    """Raises a `DlcvError` if `path` exists and may not be replaced."""
    if not force and (path.is_symlink() or path.exists()):
        raise DlcvError(f"{path} exists already; choose another name, or replace it with --force")


def regular(path: str | os.PathLike[str], flags: int) -> int:
    """Opens a file, as an `opener` of Python's `open`, but no pipe or device: these may never end.

    Raises:
        OSError: it can't be opened, or is none.
    """
    # A pipe is opened at once so, and not when somebody writes.
    descriptor = os.open(path, flags | os.O_NONBLOCK, 0o666)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.ENODEV, "a pipe or device, not a regular file", os.fspath(path))


def read(path: str | os.PathLike[str]) -> bytes:
    """Returns the content of a regular file; raises an `OSError` if it can't be read."""
    with open(path, "rb", buffering=0, opener=regular) as file:
        return file.readall()


@contextmanager
def lock(path: Path, refusal: str) -> Iterator[None]:
    """Holds a lock file for the length of a block; it is gone with the process, whatever happens.

    Where the file system has no locks, that is a warning.

    Raises:
        DlcvError: with the text `refusal`, another process holds the lock.
    """
    try:
        opened = open(path, "ab", opener=lambda p, flags: regular(p, flags | os.O_NOFOLLOW))  # noqa: SIM115
    except OSError as error:
        error.filename = os.fspath(path.parent)  # The lock's own name is hidden.
        raise
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DlcvError(refusal) from None
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
            _warn_of_no_locks(os.fstat(file.fileno()).st_dev, path)
        # The one who held it may have removed the name meanwhile, and somebody made it anew.
        try:
            is_ours = os.path.samestat(os.fstat(file.fileno()), os.stat(path))
        except FileNotFoundError:
            is_ours = False
        if not is_ours:
            raise DlcvError(refusal)
        unlock = partial(path.unlink, missing_ok=True)
        try:
            with signals.calling_before_exit(unlock):
                yield
        finally:
            # One that stays locks nothing without its process, and is no reason to fail for.
            with suppress(OSError):
                unlock()


def _warn_of_no_locks(device: int, path: Path) -> None:
    if device not in _without_locks:
        _without_locks.add(device)
        logger.warning(
            "the file system of %s has no locks; let no two processes write there at once",
            final_path(path.parent),
        )


def sha256(path: Path, doing: str = "reading") -> str:
    """Returns the sha256 of a file's content, in hexadecimal.

    Args:
        path: The file.
        doing: What the progress of it is called, followed by the file's name.
    """
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(HASHED_AT_ONCE))
    size = path.stat().st_size
    with (
        open(path, "rb", buffering=0, opener=regular) as file,
        track(f"{doing} {path.name}", -(-size // 1_000_000), "MB") as progress,
    ):
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
            progress(-(-count // 1_000_000))
    return digest.hexdigest()


def remove(path: Path) -> None:
    """Removes a folder or a file, if it is there."""
    if path.is_dir() and not path.is_symlink():
        try:
            shutil.rmtree(path)
        except OSError as error:
            error.filename = os.fspath(path)  # It names a file alone, without its folder.
            raise
    else:
        path.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Waits until a file or folder is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno in UNSUPPORTED and path.is_dir():
            return  # So on some network drives, which write names at once.
        error.filename = os.fspath(path)
        raise
    finally:
        os.close(descriptor)


def write_error(path: Path, error: OSError, size: int | None, written: int) -> WriteError:
    """Returns an error that names the final file, what it needed, what is kept, and the cure."""
    path = final_path(path)
    reason = (error.strerror or str(error)).lower()
    kept = (
        "the file that was there is kept" if os.path.lexists(path) else "nothing is under that name"
    )
    cure = "then run the command again (`dlcv resume` continues a run)"
    if error.errno not in FULL:
        return WriteError(f"can't write {path}: {reason}; {kept}; mend it, {cure}", error.errno)
    needed = (
        f"{shown_size(size)} needed" if size is not None else f"over {shown_size(written)} needed"
    )
    with suppress(OSError, StopIteration):
        # A folder that is being made has another name still.
        place = next(parent for parent in path.absolute().parents if parent.exists())
        needed += f", {shown_size(shutil.disk_usage(place).free)} free"
    return WriteError(
        f"can't write {path}: {reason} ({needed}); {kept}; free some space, {cure}", error.errno
    )


def failure(error: Exception) -> str:
    """Returns an error's message; of what the system refused, with the file's final name."""
    reason = getattr(error, "strerror", None) or str(error)
    name = getattr(error, "filename2", None) or getattr(error, "filename", None)
    if not isinstance(name, str | bytes):
        if getattr(error, "errno", None) not in FULL or isinstance(error, DlcvError):
            return reason
        places = f"the output or temporary files ({tempfile.gettempdir()})"
        return f"{reason.lower()} for {places}; free some space, then run the command again"
    named = final_path(Path(os.fsdecode(name)))
    return f"can't use {named}: {reason.lower()}; mend it, then run the command again"


def save_arrays(path: Path, arrays: "dict[str, np.ndarray]") -> None:
    """Writes arrays by name as an `.npz` archive, atomically."""
    import numpy as np

    size = sum(array.nbytes for array in arrays.values())
    with atomic_path(path, size=size) as temporary:
        np.savez(temporary, allow_pickle=False, **arrays)


def load_arrays(path: Path) -> "dict[str, np.ndarray]":
    """Reads arrays that `save_arrays` wrote; raises `DlcvError` if they can't be read."""
    try:
        with open(path, "rb", opener=regular) as file:
            return read_arrays(file)
    except Exception as error:
        # A damaged archive raises many things, from zipfile's to NumPy's.
        raise unreadable(path, error, f"is damaged: {error}") from None


def unreadable(path: Path, error: Exception, problem: str) -> DlcvError:
    """Returns an error about a file: what the system says, or else that it has a problem.

    Args:
        path: The file.
        error: What reading raised; zipfile hides what the system raised behind errors of its own.
        problem: What is wrong if the system has read it, such as `is damaged`.
    """
    cause = error if isinstance(error, OSError) else error.__context__
    # Damage, too, may lead to a place that is none.
    if isinstance(cause, OSError) and cause.errno not in (None, errno.EINVAL):
        return DlcvError(f"can't read {final_path(path)}: {cause.strerror}")
    return DlcvError(f"{final_path(path)} {problem}")


def _is_of(error: OSError, temporary: Path) -> bool:
    """Returns whether an error is about writing a temporary file, or into a temporary folder."""
    if isinstance(error, WriteError):
        return False
    if error.errno in DISK_FAILURES:
        return True
    names = (
        os.fsdecode(n) for n in (error.filename, error.filename2) if isinstance(n, str | bytes)
    )
    return any(Path(name).is_relative_to(temporary) for name in names)


def shown_size(size: int) -> str:
    """Returns a number of bytes as people read it: `2.1 kB`, `14.0 MB`."""
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def stored_entries(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Returns an archive's entries, which are together no larger than the archive itself.

    Raises:
        ValueError: they are compressed, or larger, so that reading them could fill the memory.
    """
    entries = archive.infolist()
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise ValueError("its content is compressed, which dlcv never does")
    if archive.fp is None or sum(entry.file_size for entry in entries) > archive.fp.seek(0, 2):
        raise ValueError("its content is larger than the file")
    return entries


def read_arrays(file: BinaryIO) -> "dict[str, np.ndarray]":
    """Reads arrays from an `.npz` archive, and takes no more memory than the archive is large.

    Raises:
        ValueError: an array is compressed, or not of the size that the archive states.
        Exception: whatever zipfile and NumPy raise on damaged archives.
    """
    import numpy as np

    with zipfile.ZipFile(file) as archive:
        entries = stored_entries(archive)
        arrays = {}
        for entry in entries:
            name = entry.filename.removesuffix(".npy")
            with archive.open(entry) as part:
                _check_header(part, entry.file_size, name)
            with archive.open(entry) as part:
                arrays[name] = np.lib.format.read_array(part, allow_pickle=False)
        return arrays


def _check_header(part: IO[bytes], size: int, name: str) -> None:
    """Raises a `ValueError` if an array is not of the size that its header states."""
    import numpy as np

    version = np.lib.format.read_magic(part)
    reads_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if reads_header is None:
        raise ValueError(f"its array {name} has the unknown version {version}")
    shape, _, dtype = reads_header(part)
    if math.prod(shape) * dtype.itemsize != size - part.tell():
        raise ValueError(f"its array {name} is not of the size that its header states")


def __getattr__(name: str) -> Any:
    """Imports what a package adds (entry-point group `dlcv.files`), when it is first used."""
    return added("dlcv.files", name)
