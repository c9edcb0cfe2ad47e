"""A disk that fails, or loses its process, at the n-th operation; and what was done to it."""

import errno
import io
import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

OPERATIONS = ("fsync", "replace", "mkdir", "unlink", "rmdir")


class Disk:
    """Records what Python does to the disk; a write counts when half of the content is written.

    Attributes:
        done: Operations with the names of the files that they were for.
    """

    def __init__(
        self, patch: pytest.MonkeyPatch, fail: Callable[[int], None] = lambda number: None
    ) -> None:
        self.done: list[tuple[str, str]] = []
        self._fail = fail
        for name in OPERATIONS:
            patch.setattr(os, name, self._recorded(name, getattr(os, name)))
        opened = io.open
        patch.setattr(io, "open", lambda *args, **kwargs: File(opened(*args, **kwargs), self))

    def step(self, operation: str, target: Any) -> None:
        """Records an operation, or lets it fail."""
        if isinstance(target, int):
            target = os.readlink(f"/proc/self/fd/{target}")
        self.done.append((operation, os.path.basename(target)))
        self._fail(len(self.done))

    def _recorded(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def recorded(target: Any, *arguments: Any, **options: Any) -> Any:
            self.step(name, target)
            return function(target, *arguments, **options)

        return recorded


class File:
    """An open file whose writes are operations of a disk."""

    def __init__(self, file: Any, disk: Disk) -> None:
        self._file = file
        self._disk = disk

    def __enter__(self) -> "File":
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, content: Any) -> int:
        half = len(content) // 2
        self._file.write(content[:half])
        self._file.flush()
        self._disk.step("write", self._file.name)
        self._file.write(content[half:])
        return len(content)


def faults(how: str) -> Iterator[Callable[[Callable[[], None]], None]]:
    """Yields runners of an action that fail at its 1st, 2nd, ... operation; the last one does not.

    Args:
        how: `once`, `always` from that operation on, or `killed` with the process.
    """
    for number in itertools.count(1):
        runner = _Runner(number, how)
        yield runner
        if not runner.has_failed:
            return


class _Runner:
    def __init__(self, number: int, how: str) -> None:
        self._number = number
        self._how = how
        self.has_failed = False

    def __call__(self, action: Callable[[], None]) -> None:
        if self._how != "killed":
            self._act(action)
            return
        child = os.fork()
        if child == 0:
            try:
                self._act(action)
            finally:
                # Whatever happens, the child is no second pytest.
                os._exit(0 if not self.has_failed else 1)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status in (0, 9), "the action failed by itself"
        self.has_failed = status == 9

    def _act(self, action: Callable[[], None]) -> None:
        with pytest.MonkeyPatch.context() as patch:
            Disk(patch, self._fail)
            try:
                action()
            except OSError:
                if not self.has_failed:
                    raise

    def _fail(self, at: int) -> None:
        if at == self._number or (self._how == "always" and at > self._number):
            self.has_failed = True
            if self._how == "killed":
                os._exit(9)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
