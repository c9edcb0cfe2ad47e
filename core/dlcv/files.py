"""Files that are whole or not there: atomic writes, reserved space, locks, arrays."""

import errno
import fcntl
import hashlib
import itertools
import logging
import math
import os
import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO

from dlcv.errors import DlcvError, WriteError
from dlcv.progress import track

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger(__name__)
HASHED_AT_ONCE = 4_000_000
"""Bytes."""
TEMPORARY = re.compile(r"\.(?P<stem>.+?)(\.\d+-\d+)?\.(tmp|part)(?P<suffix>\.[^.]*)?")
"""The names of files and folders while they are written."""
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What fails where a disk, or a user's share of it, is full, or a file may not be that large."""
DISK_FAILURES = FULL | {errno.EIO, errno.EROFS}

_counter = itertools.count()


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
    try:
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)
    except BaseException as error:
        written = _size(temporary)
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and _is_of(error, temporary):
            raise _write_error(path, error, size, written) from error
        raise
    _flush(path.parent)


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
        leftover.unlink()


@contextmanager
def atomic_folder(path: Path, *, force: bool = False) -> Iterator[Path]:
    """Gives a temporary folder beside `path`, which takes its place when the block ends well.

    All files in it are flushed to disk before. A folder that is replaced stands aside as
    `.name.old` for a moment; if the process ends just then, the next one puts it back.

    Args:
        path: The folder's final name.
        force: Whether a folder that exists may be replaced.

    Raises:
        DlcvError: the folder exists already, or another process is making it.
        WriteError: its files can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary, old = (path.with_name(f".{path.name}.{suffix}") for suffix in ("tmp", "old"))
    with lock(path.with_name(f".{path.name}.lock"), f"another process is writing {path}"):
        # Left over from a process that was killed: the lock says that nobody is using them.
        _remove(temporary)
        if os.path.lexists(old) and not os.path.lexists(path):
            os.replace(old, path)
        refuse_existing(path, force=force)
        _remove(old)
        temporary.mkdir()
        try:
            yield temporary
            refuse_existing(path, force=force)
            for written in (*temporary.rglob("*"), temporary):
                _flush(written)
            _replace_folder(temporary, path, old)
        except BaseException as error:
            total = sum(map(_size, temporary.rglob("*")))
            shutil.rmtree(temporary, ignore_errors=True)
            if isinstance(error, OSError) and _is_of(error, temporary):
                raise _write_error(path, error, None, total) from error
            raise
        _flush(path.parent)
        _remove(old)


def refuse_existing(path: Path, *, force: bool) -> None:
    """Raises a `DlcvError` if `path` exists and may not be replaced."""
    if not force and (path.is_symlink() or path.exists()):
        raise DlcvError(f"{path} exists already; choose another name, or replace it with --force")


@contextmanager
def lock(path: Path, refusal: str) -> Iterator[None]:
    """Holds a lock file for the length of a block; it is gone with the process, whatever happens.

    Raises:
        DlcvError: with the text `refusal`, another process holds the lock.
    """
    with open(path, "ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DlcvError(refusal) from None
        # The one who held it may have removed the name meanwhile, and somebody made it anew.
        try:
            is_ours = os.path.samestat(os.fstat(file.fileno()), os.stat(path))
        except FileNotFoundError:
            is_ours = False
        if not is_ours:
            raise DlcvError(refusal)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def reserve(file: BinaryIO, size: int) -> None:
    """Reserves `size` bytes on disk for a file, so that a full disk shows before any work is done.

    Raises:
        WriteError: there is not enough space.
    """
    if not hasattr(os, "posix_fallocate"):
        return  # macOS: a full disk then shows when rows are written.
    try:
        os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        raise _write_error(Path(os.fsdecode(file.name)), error, size, 0) from None


def require_space(folder: Path, size: int) -> None:
    """Raises a `DlcvError` if less than `size` bytes are free where a folder is."""
    free = shutil.disk_usage(folder).free
    if free < size:
        raise DlcvError(
            f"{size / 1e6:,.0f} MB are needed in {folder.parent}, where {free / 1e6:,.0f} MB are "
            "free; make room, or choose another place"
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
        open(path, "rb", buffering=0) as file,
        track(f"{doing} {path.name}", -(-size // 1_000_000), "MB") as progress,
    ):
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
            progress(-(-count // 1_000_000))
    return digest.hexdigest()


def record(path: Path) -> dict[str, str | int]:
    """Returns what `check_record` compares: a file's size, time and checksum."""
    status = path.stat()
    return {
        "bytes": status.st_size,
        "modified_nanoseconds": status.st_mtime_ns,
        "sha256": sha256(path, "computing the checksum of"),
    }


def check_record(path: Path, recorded: Mapping[str, object], *, always: bool = False) -> None:
    """Raises a `DlcvError` if a file's content is not what was recorded.

    A file that has its recorded size and time is taken as it is. One with another time, as copies
    have, is read as a whole, and gets its recorded time where that is allowed, so that it is read
    once only.

    Args:
        path: The file.
        recorded: What `record` returned.
        always: Whether it is read whatever its time is.
    """
    status = path.stat()
    same_time = status.st_mtime_ns == recorded.get("modified_nanoseconds")
    if status.st_size != recorded.get("bytes", status.st_size):
        raise DlcvError(
            f"{path} is damaged: it has {status.st_size} bytes, not the {recorded['bytes']} "
            "that were recorded; copy it again, or pack it anew"
        )
    if same_time and not always:
        return
    if not always:
        logger.info(
            "%s has another time than when it was written, as copies have: its content is compared "
            "with its checksum (copies made with `cp -p` or `rsync -t` are opened at once)",
            path,
        )
    if sha256(path, "checking") != recorded.get("sha256"):
        raise DlcvError(
            f"{path} is damaged: its content is not what was recorded; copy it again, or pack it "
            "anew"
        )
    if not same_time and isinstance(time := recorded.get("modified_nanoseconds"), int):
        # It is the recorded content. Who only may read it has it checked each time.
        with suppress(OSError):
            os.utime(path, ns=(status.st_atime_ns, time))


def save_arrays(path: Path, arrays: "dict[str, np.ndarray]") -> None:
    """Writes arrays by name as an `.npz` archive, atomically."""
    import numpy as np

    size = sum(array.nbytes for array in arrays.values())
    with atomic_path(path, size=size) as temporary:
        np.savez(temporary, allow_pickle=False, **arrays)


def load_arrays(path: Path) -> "dict[str, np.ndarray]":
    """Reads arrays that `save_arrays` wrote; raises `DlcvError` if they can't be read."""
    try:
        with open(path, "rb") as file:
            return read_arrays(file)
    except OSError as error:
        raise DlcvError(f"can't read {path}: {error.strerror or error}") from None
    except Exception as error:
        # A damaged archive raises many things, from zipfile's to NumPy's.
        raise DlcvError(f"{path} is damaged: {error}") from None


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


def _write_error(path: Path, error: OSError, size: int | None, written: int) -> WriteError:
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
        f"{_megabytes(size)} needed" if size is not None else f"over {_megabytes(written)} needed"
    )
    with suppress(OSError, StopIteration):
        # A folder that is being made has another name still.
        place = next(parent for parent in path.absolute().parents if parent.exists())
        needed += f", {_megabytes(shutil.disk_usage(place).free)} free"
    return WriteError(
        f"can't write {path}: {reason} ({needed}); {kept}; free some space, {cure}", error.errno
    )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def read_arrays(file: BinaryIO) -> "dict[str, np.ndarray]":
    """Reads arrays from an `.npz` archive, and takes no more memory than the archive is large.

    Raises:
        ValueError: an array is compressed, or not of the size that the archive states.
        Exception: whatever zipfile and NumPy raise on damaged archives.
    """
    import numpy as np

    size = file.seek(0, os.SEEK_END)
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise ValueError("its arrays are compressed, which dlcv never does")
        if sum(entry.file_size for entry in entries) > size:
            raise ValueError("its arrays are larger than the file")
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


def _replace_folder(new: Path, path: Path, old: Path) -> None:
    """Gives `new` the name `path`, and what had it the name `old`."""
    if not os.path.lexists(path):
        os.replace(new, path)
        return
    os.replace(path, old)
    try:
        os.replace(new, path)
    except BaseException:
        os.replace(old, path)
        raise


def _remove(path: Path) -> None:
    """Removes a folder or a file, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
