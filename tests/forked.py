"""`dlcv` in processes that begin with Keras imported, which else takes each of them seconds.

They are forks of one process that has imported what the commands use, and has done nothing else.
Each has its own folder, environment, output, signals and exit code, as one that begins anew. What
is decided or printed while Keras is imported can't be seen with it, and needs a `subprocess`: the
back end, the number of JAX's threads, and which libraries a command does without.
"""

import contextlib
import gc
import multiprocessing
import os
import site
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import cv2
import pictures

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(
    ["keras", "sklearn.metrics", "sklearn.model_selection", "matplotlib.pyplot", "h5py",
     "imagehash", "jinja2", "rich.console", "dlcv.__main__"]
)  # fmt: skip


def dlcv(
    *arguments: str | Path, timeout: float = 120, **settings: Any
) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end.

    Args:
        arguments: What follows `dlcv` on the command line.
        timeout: Seconds after which it is killed.
        settings: As `Running` takes them.

    Raises:
        subprocess.TimeoutExpired: it took longer.
    """
    return Running(*arguments, **settings).wait(timeout)


class Running:
    """A command that runs.

    Attributes:
        process: Its process.
    """

    def __init__(
        self,
        *arguments: str | Path,
        folder: Path | None = None,
        packages: Iterable[Path] = (),
        variables: Mapping[str, str] | None = None,
        given: bytes = b"",
        is_merged: bool = False,
        has_pictures: bool = True,
    ) -> None:
        """Starts a command.

        Args:
            arguments: What follows `dlcv` on the command line.
            folder: The folder to run it in; this process's as standard.
            packages: Folders with installed packages, besides those that are installed here.
            variables: Changes of the environment.
            given: What it reads from its standard input.
            is_merged: Whether standard error goes where standard output goes.
            has_pictures: Whether runs draw curves and write reports.
        """
        self._command = ["dlcv", *map(str, arguments)]
        self._kept = tempfile.TemporaryDirectory()
        self._output = Path(self._kept.name, "output")
        self._errors = self._output if is_merged else Path(self._kept.name, "errors")
        given_file = Path(self._kept.name, "given")
        given_file.write_bytes(given)
        environment = {**os.environ, **(variables or {})}
        whole = (self._command, folder or Path.cwd(), list(packages), environment, given_file)
        self.process = SERVER.Process(
            target=_run, args=(*whole, self._output, self._errors, has_pictures)
        )
        self.process.start()

    def wait(self, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Returns how it ended; raises `subprocess.TimeoutExpired` after so many seconds."""
        with self._kept:
            self.process.join(timeout)
            if self.process.exitcode is None:
                self.process.kill()
                raise subprocess.TimeoutExpired(self._command, timeout, _text(self._output))
            is_merged = self._errors == self._output
            printed = _text(self._output), "" if is_merged else _text(self._errors)
            return subprocess.CompletedProcess(self._command, self.process.exitcode, *printed)


def _text(output: Path) -> str:
    """Returns what was printed, names of files in any bytes among it."""
    return output.read_text(errors="surrogateescape")


def _run(
    command: list[str],
    folder: Path,
    packages: list[Path],
    environment: dict[str, str],
    given: Path,
    output: Path,
    errors: Path,
    has_pictures: bool = True,
) -> None:
    """Does what Python does when it begins with `-m dlcv`."""
    gc.freeze()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(os.open(given, os.O_RDONLY), 0)
    for number, path in ((1, output), (2, errors)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    for package in packages:
        site.addsitedir(str(package))
    # What main asks of OpenCV by the environment, which it read when Keras imported it.
    log = getattr(cv2.utils, "logging", None)  # OpenCV 4 has the function itself.
    (log.setLogLevel if log else cv2.setLogLevel)(0)
    sys.argv = command
    from dlcv.__main__ import main

    with contextlib.nullcontext() if has_pictures else pictures.switched(on=False):
        main()
