"""Packing into many files a split: several at once, and going on where packing stopped."""

import functools
import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from dlcv import files
from dlcv.api import track
from dlcv.errors import DlcvError
from dlcv.interfaces import LabelledImages
from dlcv_plugins import storage
from dlcv_plugins.commands.data.pack.forms import AllWritten, Form, Written
from dlcv_plugins.executors.current import executor
from dlcv_plugins.kinds.executor import Needs, Report

logger = logging.getLogger(__name__)

BEGUN = "begun.json"
"""What a folder that is being packed will hold; it is removed at the end."""


@attrs.frozen
class Part:
    """A file of a split.

    Attributes:
        split: The split.
        number: Its place among the split's files, from 0.
        count: The number of these files.
        rows: The split's images that it holds.
    """

    split: str
    number: int
    count: int
    rows: range

    @property
    def name(self) -> str:
        """The file's name."""
        return f"{self.split}-{self.number:05d}-of-{self.count:05d}.hdf5"


def parts_of(sizes: Mapping[str, int], shards: int) -> list[Part]:
    """Divides the training images into so many parts, and the other splits into parts as large.

    Args:
        sizes: The number of images of each split.
        shards: The number of parts of `train`.

    Raises:
        DlcvError: there are fewer images than parts.
    """
    if shards > sizes["train"]:
        raise DlcvError(f"--shards {shards} is more than the {sizes['train']} training images")
    rows = -(-sizes["train"] // shards)
    parts = []
    for split, size in sizes.items():
        count = shards if split == "train" else -(-size // rows)
        bounds = [size * number // count for number in range(count + 1)]
        parts += [Part(split, n, count, range(bounds[n], bounds[n + 1])) for n in range(count)]
    return parts


def write_parts(
    folder: Path, splits: Mapping[str, LabelledImages], form: Form, parts: list[Part], threads: int
) -> AllWritten:
    """Writes the parts that are not there yet, several at once.

    Args:
        folder: Where they are written; parts that are there were written with the same settings.
        splits: The images.
        form: How they are packed.
        parts: What is written.
        threads: Parts that are written at once.

    Returns:
        What was written into all.

    Raises:
        DlcvError: there is not enough space for the parts that are not there.
        ImageError: an image can't be read.
        KeyboardInterrupt: after ctrl+c; parts that are whole are kept.
        SystemExit: after SIGTERM, likewise.
    """
    written, left = AllWritten(), []
    for part in parts:
        if kept := _kept(folder, part.name):
            written.add(part.name, part.split, kept)
        else:
            left.append(part)
    total, rows_left = (sum(len(part.rows) for part in of) for of in (parts, left))
    storage.require_space(folder, form.size(rows_left))
    if len(left) < len(parts):
        logger.info("packing goes on: %d of %d parts are there", len(parts) - len(left), len(parts))
    work = functools.partial(_write_part, folder, splits, form)
    try:
        with track("packing", total, "images", done=total - rows_left) as progress:
            results = executor().map(work, left, at_once=threads, needs=Needs(), report=progress)
            with closing(results):
                for part, made in zip(left, results, strict=True):
                    written.add(part.name, part.split, made)
    except (KeyboardInterrupt, SystemExit):
        logger.warning("stopped; the parts that are packed are saved: the same command continues")
        raise
    return written


@contextmanager
def work_folder(out: Path, about: dict[str, Any], *, force: bool) -> Iterator[Path]:
    """Gives a folder to pack in that stays if packing is stopped, and is `out` at the end.

    Args:
        out: The folder to write. What is not finished is in `.NAME.part` beside it.
        about: All that its files depend on.
        force: Whether what exists, or was begun with other settings, may be replaced.

    Raises:
        DlcvError: packing was begun with other settings, or another process is packing.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    work = out.with_name(f".{out.name}.part")
    lock = out.with_name(f".{out.name}.part.lock")
    with files.lock(lock, f"another process is writing {out}"):
        _begin(work, out, about, force)
        yield work
        # What workers left that were lost.
        files.sweep(work)
        with storage.atomic_folder(out, force=force) as folder:
            # From here on nothing is begun: a kill leaves no part to continue.
            for kept in (work / BEGUN, *work.glob(".*.npz")):
                kept.unlink()
            folder.rmdir()
            os.replace(work, folder)


def _write_part(
    folder: Path, splits: Mapping[str, LabelledImages], form: Form, part: Part, report: Report
) -> Written:
    """Writes a part, unless a worker that was lost wrote it before."""
    if kept := _kept(folder, part.name):
        return kept
    made = form.write(folder / part.name, splits[part.split], part.rows, 1, report)
    _keep(folder, part.name, made)
    return made


def _begin(work: Path, out: Path, about: dict[str, Any], force: bool) -> None:
    """Makes the folder to work in, or takes up one that was begun with the same settings."""
    text = json.dumps(about, indent=2, sort_keys=True, default=str)
    begun = (work / BEGUN).read_text(encoding="utf-8") if (work / BEGUN).is_file() else None
    if begun == text:
        files.sweep(work)
        return
    if begun is not None and not force:
        raise DlcvError(
            f"packing to {out} was begun with other settings or images; repeat the same command to "
            "go on, choose another folder, or start again with --force"
        )
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    files.write_atomically(work / BEGUN, text)


def _kept(folder: Path, name: str) -> Written | None:
    """Returns what was written into a file before; None where it is not there as a whole."""
    path = folder / f".{name}.npz"
    if not (path.is_file() and (folder / name).is_file()):
        return None
    try:
        kept = files.load_arrays(path)
        return Written(kept["total"], int(kept["pixels"]), str(kept["sha256"]) or None)
    except (DlcvError, KeyError):
        return None  # It is written again.


def _keep(folder: Path, name: str, written: Written) -> None:
    arrays = {
        "total": written.total,
        "pixels": np.array(written.pixels),
        "sha256": np.array(written.sha256 or ""),
    }
    files.save_arrays(folder / f".{name}.npz", arrays)
