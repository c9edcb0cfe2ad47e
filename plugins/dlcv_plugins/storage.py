"""Folders that are whole or not there, room on a disk, and records of what a file holds."""

import logging
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from dlcv import files
from dlcv.errors import DlcvError

logger = logging.getLogger(f"dlcv.{__name__}")
SECONDS_BETWEEN = 0.01
"""Between tries for a lock that another process holds."""


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
    if not path.name:
        raise DlcvError(f"{path} has no name of its own; name the folder to write")
    temporary, old = (path.with_name(f".{path.name}.{suffix}") for suffix in ("tmp", "old"))
    lock = path.with_name(f".{path.name}.lock")
    with ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(files.lock(lock, f"another process is writing {path}"))
            # Left over from a process that was killed: the lock says that nobody is using them.
            files.remove(temporary)
            if os.path.lexists(old) and not os.path.lexists(path):
                os.replace(old, path)
            files.refuse_existing(path, force=force)
            files.remove(old)
            temporary.mkdir()
        except OSError as error:
            raise files.write_error(path, error, None, 0) from error
        with files.to_replace(path, temporary):
            yield temporary
            files.refuse_existing(path, force=force)
            for written in (*temporary.rglob("*"), temporary):
                files.flush(written)
            _replace_folder(temporary, path, old)
        files.flush(path.parent)
        files.remove(old)


@contextmanager
def waited_lock(path: Path, refusal: str, seconds: float) -> Iterator[None]:
    """Holds a lock file for the length of a block, and waits for other processes before.

    Args:
        path: The lock file.
        refusal: What to say of another process that has it for longer.
        seconds: How long to wait.

    Raises:
        DlcvError: with the text `refusal`.
    """
    until = time.monotonic() + seconds
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(files.lock(path, refusal))
                break
            except DlcvError:
                if time.monotonic() > until:
                    raise
                time.sleep(SECONDS_BETWEEN)
        yield


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
        raise files.write_error(Path(os.fsdecode(file.name)), error, size, 0) from None


def require_space(folder: Path, size: int) -> None:
    """Raises a `DlcvError` if less than `size` bytes are free where a folder is."""
    free = shutil.disk_usage(folder).free
    if free < size:
        raise DlcvError(
            f"{files.shown_size(size)} are needed in {folder.parent}, where "
            f"{files.shown_size(free)} are free; make room, or choose another place"
        )


def record(path: Path, sha256: str | None = None) -> dict[str, str | int]:
    """Returns what `check_record` compares: a file's size, time and checksum.

    Args:
        path: The file.
        sha256: Its checksum, where it is known; else the file is read.
    """
    status = path.stat()
    return {
        "bytes": status.st_size,
        "modified_nanoseconds": status.st_mtime_ns,
        "sha256": sha256 or files.sha256(path, "computing the checksum of"),
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
    if files.sha256(path, "checking") != recorded.get("sha256"):
        raise DlcvError(
            f"{path} is damaged: its content is not what was recorded; copy it again, or pack it "
            "anew"
        )
    if not same_time and isinstance(time := recorded.get("modified_nanoseconds"), int):
        # It is the recorded content. Who only may read it has it checked each time.
        with suppress(OSError, OverflowError):
            os.utime(path, ns=(status.st_atime_ns, time))


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
