"""The directory of a run: what is in it, and how it comes to be."""

import itertools
import json
import logging
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import attrs

from dlcv import files
from dlcv.errors import DlcvError, json_text, printable
from dlcv.runs.forms import FORMS, check_form

logger = logging.getLogger(__name__)
LATEST = "latest"
LOCK = ".lock"
MEMBERS = "members"


@attrs.frozen
class RunDirectory:
    """Paths of a run's files.

    Attributes:
        path: The directory.
    """

    path: Path

    @classmethod
    @contextmanager
    def being_made(
        cls, runs: Path, name: str | None, default_name: str, *, force: bool
    ) -> "Iterator[tuple[RunDirectory, RunDirectory]]":
        """Gives a hidden directory to fill, locked, and the one that `appear` makes of it.

        Whatever ends or kills the process before `appear` leaves the runs as they were.

        Args:
            runs: The folder of all runs.
            name: The run's name; None for `default_name` with the first number that is free.
            default_name: A name to number.
            force: Whether a run of that name may be replaced.

        Raises:
            DlcvError: there is a run of that name or another process makes one, or the name is no
                file name.
        """
        with ExitStack() as stack:
            try:
                cls.refuse_existing(runs, name, force=force)
                runs.mkdir(parents=True, exist_ok=True)
                if name is None:
                    made = _numbered(runs / default_name, stack)
                else:
                    made = cls(runs / name)
                    stack.enter_context(made._lock_hidden())
            except OSError as error:
                raise DlcvError(f"can't make a run in {runs}: {error.strerror}") from None
            hidden = cls(made._hidden)
            try:
                yield hidden, made
            finally:
                if hidden.path.exists():
                    shutil.rmtree(hidden.path, ignore_errors=True)
                else:  # It has appeared, and the lock with it.
                    (made.path / LOCK).unlink(missing_ok=True)

    def appear(self) -> None:
        """Gives what was filled its name; a run that it replaces is kept aside until `settle`.

        Raises:
            DlcvError: another process is writing the run that is to be replaced.
        """
        if self.path.exists():
            with self.lock():
                self._put_aside()
        try:
            os.replace(self._hidden, self.path)
        except BaseException:
            self.put_back()
            raise

    @classmethod
    def refuse_existing(cls, runs: Path, name: str | None, *, force: bool) -> None:
        """Raises a `DlcvError` if a run of that name exists and may not be replaced.

        So it does if the name is no file name, or if there can be no folder of runs, or no link
        `latest` in it.
        """
        nearest = next((path for path in (runs, *runs.parents) if path.exists()), runs)
        if not nearest.is_dir():
            raise DlcvError(f"{nearest} is no folder, so there can be no runs in it")
        latest = runs / LATEST
        if latest.exists() and not latest.is_symlink():
            raise DlcvError(
                f"{latest} is in the way, for it always names the last run; give it another name"
            )
        if name is None:
            return
        if name == LATEST:
            raise DlcvError(f'"{LATEST}" always names the last run; choose another name')
        if not re.fullmatch("[^/.][^/]*", name) or printable(name) != name:
            raise DlcvError(
                f'"{printable(name)}" can\'t be the name of a run; it must be a plain file name '
                "without control characters"
            )
        cls(runs / name).put_back()
        files.refuse_existing(runs / name, force=force)
        is_run = cls(runs / name).config.is_file() and not (runs / name).is_symlink()
        if os.path.lexists(runs / name) and not is_run:
            raise DlcvError(
                f"{runs / name} is no run, so it is not replaced; remove it, or choose another name"
            )

    @classmethod
    def existing(cls, path: str | os.PathLike[str]) -> "RunDirectory":
        """Returns the directory of a run; raises `DlcvError` if there is none at `path`."""
        directory = cls(Path(path))
        directory.put_back()
        if not directory.path.is_dir():
            raise DlcvError(f"no such run: {path}")
        if not directory.config.is_file():
            raise DlcvError(f"{directory.path} is no run: it holds no run.toml")
        return cls(directory.path.resolve())

    @property
    def config(self) -> Path:
        """The configuration, complete and re-runnable."""
        return self.path / "run.toml"

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is a checkpoint, or one of a member, to continue from or to use."""
        folders = (self.checkpoints, *self.path.glob(f"{MEMBERS}/*/checkpoints"))
        return any(any(folder.glob("epoch_*")) for folder in folders)

    @property
    def is_begun(self) -> bool:
        """Whether what is known before training is written."""
        return self.preprocessing.exists() or self.has_checkpoint

    @property
    def is_finished(self) -> bool:
        """Whether the training came to its end."""
        return (self.path / "metrics.json").exists()

    @property
    def whole(self) -> "RunDirectory":
        """The run that this one is a member of, or this one: what `dlcv resume` takes."""
        whole = RunDirectory(self.path.parent.parent)
        return whole if self.path.parent.name == MEMBERS and whole.config.is_file() else self

    def member(self, number: int) -> "RunDirectory":
        """Returns the directory of a member, which count from 1."""
        return RunDirectory(self.path / MEMBERS / str(number))

    @property
    def replaced(self) -> Path:
        """Where the run that this one replaces is, as long as this one has no checkpoint."""
        return self.path.with_name(f".{self.path.name}.old")

    @property
    def model(self) -> Path:
        """The network in Keras's own format, for everyone else."""
        return self.path / "model.keras"

    @property
    def history(self) -> Path:
        """A row an epoch, as CSV."""
        return self.path / "history.csv"

    @property
    def predictions(self) -> Path:
        """The predictions for the held-out images."""
        return self.path / "predictions.npz"

    @property
    def cached_predictions(self) -> Path:
        """The folder of the predictions that evaluations made."""
        return self.path / "predictions"

    @property
    def evaluation(self) -> Path:
        """The folder of the pictures of the last evaluation."""
        return self.path / "evaluation"

    @property
    def report(self) -> Path:
        """The report, a page."""
        return self.path / "report.html"

    @property
    def preprocessing(self) -> Path:
        """What the preprocessors learned."""
        return self.path / "preprocessing.npz"

    @property
    def groups(self) -> Path:
        """Which images stayed together where the data was divided; missing where none had to."""
        return self.path / "groups.npz"

    def lock(self) -> AbstractContextManager[None]:
        """Keeps other processes from writing into the run; raises `DlcvError` if one does."""
        return files.lock(self.path / LOCK, f"another process is writing {self.path}")

    def point_latest_here(self) -> str | None:
        """Makes `latest`, beside this run, name it; returns the run that it named before."""
        link = self.path.parent / LATEST
        before = os.readlink(link) if link.is_symlink() else None
        # In the run, where a run that goes on removes what a killed process left.
        _point(link, self.path.name, self.path / f".{LATEST}.tmp")
        return before

    def settle(self) -> None:
        """Removes the run that this one replaced, once this one has a checkpoint or is finished."""
        if self.has_checkpoint or self.is_finished:
            shutil.rmtree(self.replaced, ignore_errors=True)

    def discard(self, latest: str | None) -> None:
        """Removes a run that came to nothing, and puts back the run that it replaced.

        Args:
            latest: The run that the link `latest` names again.
        """
        self._remove()
        self.put_back()
        link = self.path.parent / LATEST
        if link.is_symlink() and os.readlink(link) != self.path.name:
            return  # Another run has begun since.
        if latest is not None and (link.parent / latest).exists():
            _point(link, latest, link.with_name(f".{LATEST}.{os.getpid()}"))
        else:
            link.unlink(missing_ok=True)

    def put_back(self) -> None:
        """Puts back the run that this one was to replace, if a kill left neither in its place."""
        # A link such as `latest` leads to the run's own name; `.` and `/` have none.
        path = self.path.resolve() if self.path.is_symlink() else Path(os.path.abspath(self.path))
        replaced = RunDirectory(path).replaced if path.name else path
        if (replaced / "run.toml").is_file() and not os.path.lexists(path):
            os.replace(replaced, path)

    def _put_aside(self) -> None:
        """Frees the directory's name; the run that was there is kept until `settle`.

        If one is kept already, its successor was killed: without a checkpoint it came to nothing.
        """
        self.settle()
        if self.replaced.exists():
            self._remove()
        else:
            os.replace(self.path, self.replaced)

    def _remove(self) -> None:
        """Removes the directory: a kill meanwhile leaves no part of it under its name."""
        removed = self.path.with_name(f".{self.path.name}.removed")
        shutil.rmtree(removed, ignore_errors=True)
        os.replace(self.path, removed)
        shutil.rmtree(removed)

    @property
    def _hidden(self) -> Path:
        """Where the run is filled before it appears."""
        return self.path.with_name(f".{self.path.name}.new")

    @contextmanager
    def _lock_hidden(self) -> Iterator[None]:
        """Makes the hidden directory empty, and keeps others out of it."""
        self._hidden.mkdir(exist_ok=True)
        with files.lock(self._hidden / LOCK, f"another process is making {self.path}"):
            for leftover in self._hidden.iterdir():
                if leftover.name != LOCK:
                    shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
            yield

    def write_json(self, name: str, content: object) -> None:
        """Writes a JSON file atomically."""
        files.write_atomically(self.path / f"{name}.json", json_text(content) + "\n")

    def read_json(self, name: str) -> Any:
        """Reads a JSON file; raises `DlcvError` if it is missing, damaged, or of another form."""
        path = self.path / f"{name}.json"
        try:
            content = json.loads(files.read(path))
            check_form(content, FORMS[name], "the content")
        except OSError as error:
            raise DlcvError(f"can't read {files.final_path(path)}: {error.strerror}") from None
        except (ValueError, RecursionError) as error:
            raise DlcvError(f"{path} is damaged: {error}") from None
        return content


def _numbered(path: Path, stack: ExitStack) -> RunDirectory:
    """Returns the directory of that name with the first number that is free, and locks it."""
    for number in itertools.count(1):
        numbered = RunDirectory(path.with_name(f"{path.name}-{number}"))
        if not os.path.lexists(numbered.path):
            with suppress(DlcvError):
                stack.enter_context(numbered._lock_hidden())
                # Another process may have given it its name just before.
                if not os.path.lexists(numbered.path):
                    return numbered
    raise AssertionError


def _point(link: Path, target: str, temporary: Path) -> None:
    """Makes a link lead to a target, by way of a temporary name."""
    temporary.unlink(missing_ok=True)
    try:
        temporary.symlink_to(target)
    except OSError as error:
        if error.errno not in files.UNSUPPORTED:
            raise
        logger.info("the file system of %s has no links, so there is no %s", link.parent, link)
        return
    os.replace(temporary, link)
