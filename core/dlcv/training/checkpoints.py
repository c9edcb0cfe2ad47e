"""Checkpoints: one file each, whole or not there, with everything that training goes on from.

A file is a magic number, the sha256 of the rest, and an `.npz` archive with all variables and a
JSON text. Nothing in it is code.
"""

import hashlib
import io
import json
import logging
import re
from pathlib import Path
from typing import Any

import attrs
import keras
import numpy as np
from attrs import validators

from dlcv import files
from dlcv.errors import DlcvError
from dlcv.training.history import best_row

logger = logging.getLogger(__name__)
MAGIC = b"DLCVCKP1"
SUFFIX = ".checkpoint"
NAME = re.compile(r"epoch_(\d+)_step_\d+_stage_\d+\.checkpoint")
COUNT = [validators.instance_of(int), validators.ge(0)]


def _list_of(kind: type) -> Any:
    return validators.deep_iterable(validators.instance_of(kind), validators.instance_of(list))


def _check_rows(checkpoint: Any, attribute: Any, rows: Any) -> None:
    """Raises a `ValueError` if a history is no list of figures by name."""
    if not isinstance(rows, list) or not all(
        isinstance(row, dict)
        and row.keys() >= {"stage", "epoch", "val_loss"}
        and all(isinstance(value, int | float) for value in row.values())
        for row in rows
    ):
        raise ValueError("its history holds other things than the figures of epochs")


def _places(pairs: Any) -> dict[int, int]:
    return {int(weight): int(average) for weight, average in dict(pairs).items()}


@attrs.frozen
class Position:
    """How far a training is.

    Attributes:
        stage: The stage to go on with, from 0; as many as there are stages when all is done.
        epoch: Epochs of that stage that are done.
        batch: Batches of the next epoch that are done.
        step: Steps of the whole training that are done.
    """

    stage: int = attrs.field(default=0, validator=COUNT)
    epoch: int = attrs.field(default=0, validator=COUNT)
    batch: int = attrs.field(default=0, validator=COUNT)
    step: int = attrs.field(default=0, validator=COUNT)

    @property
    def is_within_stage(self) -> bool:
        """Whether the stage has begun."""
        return bool(self.epoch or self.batch)


@attrs.frozen(eq=False)
class Checkpoint:
    """A training's state.

    Attributes:
        position: How far it is.
        arrays: The variables' values, in Keras's order.
        paths: The variables' names.
        history: A row an epoch, of the epochs that are done.
        seconds: How long the epoch under way has taken so far.
        averages: Where the moving average of a weight is among the arrays, by the weight's place.
    """

    position: Position
    arrays: list[np.ndarray]
    paths: list[str] = attrs.field(validator=_list_of(str))
    history: list[dict[str, float]] = attrs.field(validator=_check_rows)
    seconds: float = attrs.field(default=0.0, validator=validators.instance_of((int, float)))
    averages: dict[int, int] = attrs.field(factory=dict, converter=_places)

    @property
    def epochs(self) -> int:
        """Epochs of the whole training that are done."""
        return len(self.history)

    def of_network(self, count: int) -> "Checkpoint":
        """Returns what belongs to a network of `count` variables: what it is used with.

        Where moving averages of the weights are taken, they stand in the place of the weights.
        """
        if len(self.arrays) < count:
            return self
        arrays = [self.arrays[self.averages.get(i, i)] for i in range(count)]
        return attrs.evolve(self, arrays=arrays, paths=self.paths[:count], averages={})


def take(
    variables: list[keras.Variable],
    position: Position,
    history: list[dict[str, float]],
    seconds: float = 0.0,
    averages: dict[int, int] | None = None,
) -> Checkpoint:
    """Copies the variables' values."""
    arrays = [keras.ops.convert_to_numpy(v) for v in variables]
    paths = [v.path for v in variables]
    return Checkpoint(position, arrays, paths, list(history), seconds, averages or {})


def restore(checkpoint: Checkpoint, variables: list[keras.Variable], source: str) -> None:
    """Gives variables the values of a checkpoint, matched by position, name and shape.

    Raises:
        DlcvError: they do not match; the message names the first that does not.
    """
    if len(variables) != len(checkpoint.arrays):
        raise DlcvError(
            f"{source} holds {len(checkpoint.arrays)} variables, but the network has "
            f"{len(variables)}; it belongs to another network"
        )
    for variable, array, path in zip(variables, checkpoint.arrays, checkpoint.paths, strict=True):
        if _stable(variable.path) != _stable(path) or tuple(variable.shape) != array.shape:
            raise DlcvError(
                f"{source} holds {path} {array.shape} where the network has {variable.path} "
                f"{tuple(variable.shape)}; it belongs to another network"
            )
    for variable, array in zip(variables, checkpoint.arrays, strict=True):
        variable.assign(array)


def save(folder: Path, checkpoint: Checkpoint) -> Path:
    """Writes a checkpoint."""
    folder.mkdir(exist_ok=True)
    meta = {
        "position": attrs.asdict(checkpoint.position),
        "paths": checkpoint.paths,
        "history": checkpoint.history,
        "seconds": checkpoint.seconds,
        "averages": list(checkpoint.averages.items()),
    }
    content = io.BytesIO()
    arrays = {f"{i:06d}": array for i, array in enumerate(checkpoint.arrays)}
    np.savez(content, allow_pickle=False, meta=np.array(json.dumps(meta)), **arrays)
    body = content.getbuffer()
    position = checkpoint.position
    path = folder / (
        f"epoch_{checkpoint.epochs:04d}_step_{position.step:09d}_stage_{position.stage}{SUFFIX}"
    )
    with files.atomic_path(path) as temporary, open(temporary, "wb") as file:
        file.write(MAGIC + hashlib.sha256(body).digest())
        file.write(body)
    return path


def load(path: Path) -> Checkpoint:
    """Reads a checkpoint.

    Raises:
        DlcvError: it is damaged or none.
    """
    try:
        content = files.read(path)
    except OSError as error:
        raise DlcvError(f"can't read {files.final_path(path)}: {error.strerror}") from None
    start = len(MAGIC) + hashlib.sha256().digest_size
    body = memoryview(content)[start:]
    if content[:start] != MAGIC + hashlib.sha256(body).digest():
        raise DlcvError(f"{path} is damaged: its checksum does not fit its content")
    try:
        found = files.read_arrays(io.BytesIO(body))
        meta = json.loads(str(found["meta"]))
        meta["position"] = Position(**meta["position"])
        arrays = [found[f"{i:06d}"] for i in range(len(found) - 1)]
        checkpoint = Checkpoint(arrays=arrays, **meta)
    except Exception as error:
        # Whole, but made by something else: NumPy, zipfile, JSON and attrs each raise their own.
        reason = error.args[0] if error.args else type(error).__name__
        raise DlcvError(f"{path} is no checkpoint that can be read: {reason}") from None
    if any(not 0 <= place < len(arrays) for place in checkpoint.averages.values()):
        raise DlcvError(f"{path} is no checkpoint that can be read: an average is missing")
    if len(arrays) != len(checkpoint.paths):
        raise DlcvError(
            f"{path} is no checkpoint that can be read: it holds {len(arrays)} variables "
            f"and {len(checkpoint.paths)} names"
        )
    return checkpoint


def load_chosen(
    folder: Path, which: str | int, *, is_finished: bool = False
) -> tuple[Checkpoint, Path] | None:
    """Reads a checkpoint: `last`, `best`, or that of an epoch.

    Args:
        folder: The folder of the checkpoints.
        which: The checkpoint.
        is_finished: Whether the training came to its end. Then the last checkpoint is the run's
            result, and no other one stands in for it.

    Raises:
        DlcvError: there is no such checkpoint, or it is damaged.
    """
    if which in ("last", "best"):
        newest = load_last(folder) if is_finished else load_newest(folder)
        return newest if which == "last" else _best(folder, newest)
    if not str(which).isdecimal():
        raise DlcvError(f'checkpoint: expected last, best or an epoch, received "{which}"')
    return load_epoch(folder, int(which))


def load_last(
    folder: Path, cure: str = "predict with an earlier epoch: --checkpoint"
) -> tuple[Checkpoint, Path] | None:
    """Reads the newest checkpoint.

    Args:
        folder: The folder of the checkpoints.
        cure: What to do where it is damaged; the newest epoch that is whole is appended.

    Returns:
        The checkpoint and its path; None where there is none so far.

    Raises:
        DlcvError: it is damaged; the message names the newest epoch that is whole.
    """
    paths = newest_first(folder)
    if not paths:
        return None
    try:
        return load(paths[0]), paths[0]
    except DlcvError as error:
        for path in paths[1:]:
            if (epoch := _whole_epoch(path)) is not None:
                raise DlcvError(f"{error}; {cure} {epoch}") from None
        raise DlcvError(f"{error}, and {folder} holds no whole checkpoint") from None


def load_epoch(folder: Path, epoch: int) -> tuple[Checkpoint, Path]:
    """Reads the checkpoint of the end of an epoch.

    Raises:
        DlcvError: there is none, or it is damaged.
    """
    for path in reversed(newest_first(folder)):
        if epoch_of(path) == epoch:
            checkpoint = load(path)
            if not checkpoint.position.batch:
                return checkpoint, path
    kept = ", ".join(map(str, sorted({*map(epoch_of, newest_first(folder))} - {0})))
    raise DlcvError(f"{folder} holds no checkpoint of epoch {epoch}; there are those of {kept}")


def _best(folder: Path, newest: tuple[Checkpoint, Path] | None) -> tuple[Checkpoint, Path] | None:
    """Returns the checkpoint of the lowest validation loss among those that are kept."""
    if newest is None or not newest[0].history:
        return newest
    kept = {*map(epoch_of, newest_first(folder))}
    rows = [row for row in newest[0].history if row["epoch"] in kept]
    return load_epoch(folder, int(best_row(rows)["epoch"])) if rows else newest


def load_newest(folder: Path) -> tuple[Checkpoint, Path] | None:
    """Reads the newest checkpoint that is whole; damaged ones are passed over and named.

    Returns:
        The checkpoint and its path; None where there is none so far.

    Raises:
        DlcvError: there are checkpoints, but all are damaged.
    """
    if not newest_first(folder):
        return None
    for path in newest_first(folder):
        try:
            return load(path), path
        except DlcvError as error:
            logger.warning("%s; trying the one before", error)
    raise DlcvError(f"{folder} holds no whole checkpoint")


def newest_first(folder: Path) -> list[Path]:
    """Returns the checkpoints in a folder."""
    paths = [path for path in folder.glob(f"*{SUFFIX}") if NAME.fullmatch(path.name)]
    return sorted(paths, key=lambda path: [*map(int, re.findall(r"\d+", path.name))], reverse=True)


def _whole_epoch(path: Path) -> int | None:
    """Returns the epoch at whose end a checkpoint was written; None if there is no whole one."""
    try:
        checkpoint = load(path)
    except DlcvError:
        return None
    return None if checkpoint.position.batch else checkpoint.epochs


def epoch_of(path: Path) -> int:
    """Returns how many epochs were done, as a checkpoint's name has it."""
    match = NAME.fullmatch(path.name)
    assert match
    return int(match[1])


def _stable(path: str) -> str:
    """Returns a variable's name without the counters that Keras adds in a process that goes on."""
    return re.sub(r"_\d+(?=/|$)", "", path)
