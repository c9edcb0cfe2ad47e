"""Loading whatever predicts: a run, another model, or several that predict together."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dlcv import registry
from dlcv.config import RunConfig
from dlcv.errors import DlcvError
from dlcv.interfaces import Combination
from dlcv.registry.defaults import checkpoints
from dlcv.runs.directory import RunDirectory
from dlcv.runs.predictor import Predictor
from dlcv.runs.trainers import trainer_of


def load(
    *paths: str | os.PathLike[str],
    checkpoint: str | int = "last",
    method: Combination | None = None,
) -> Predictor:
    """Loads a run or another model from its directory, or several to predict together.

    Args:
        paths: The directories. One that has several members is an ensemble by itself.
        checkpoint: Whose weights are used: `last`, `best` for the lowest validation loss, the
            number of an epoch, or a name that a package knows, such as `snapshots` for an ensemble
            of those at the ends of the learning rate's cycles. Whether there is such a checkpoint
            shows when the network is used.
        method: How several are combined: `mean`, `weighted` by validation accuracy, `geometric`
            mean, or `vote`; by default as the run was evaluated, else by their mean.

    Raises:
        DlcvError: there is no run, one is named twice or has a member that is not finished or no
            snapshots, or the runs do not have the same classes.
    """
    if not paths:
        raise DlcvError("there is no run to load; name at least one")
    named = checkpoints()
    if not _is_usual(checkpoint) and checkpoint not in named:
        *others, last = ("last", "best", "an epoch", *named)
        expected = f"{', '.join(others)} or {last}"
        raise DlcvError(f'checkpoint: expected {expected}, received "{checkpoint}"')
    _refuse_the_same(paths)
    members = [_open(path, checkpoint, method) for path in paths]
    if len(members) == 1:
        return members[0]
    return _required(
        _hooks().dlcv_combined(members=members, method=method),
        "nothing that is installed combines several runs; name one of them",
    )


def load_trained(
    path: str | os.PathLike[str], checkpoint: str | int = "last", method: Combination | None = None
) -> Predictor:
    """Loads what a run trained: a `Run`, or what predicts by several members together.

    Args:
        path: The run's directory.
        checkpoint: Whose weights are used: `last`, `best`, or the number of an epoch.
        method: How members are combined; None for what the run was evaluated with.

    Raises:
        DlcvError: there is no run, or a member of it is not finished.
    """
    directory = RunDirectory.existing(path)
    trainer = trainer_of(RunConfig.load(directory.config))
    return trainer.load(directory.path, checkpoint=checkpoint, method=method)


def is_predictor(path: str | os.PathLike[str]) -> bool:
    """Returns whether a path is a run's or another model's, and not an image's."""
    directory = RunDirectory(Path(path))
    directory.put_back()
    return directory.config.is_file() or _opener(directory.path) is not None


def _open(
    path: str | os.PathLike[str], checkpoint: str | int, method: Combination | None
) -> Predictor:
    opener = None if RunDirectory(Path(path)).config.is_file() else _opener(Path(path))
    if opener is not None:
        if checkpoint != "last":
            raise DlcvError(f"{path} is no run and has no checkpoints; leave the checkpoint out")
        return opener()
    if _is_usual(checkpoint):
        return load_trained(path, checkpoint, method)
    loaded = load_trained(path, "last", method)
    return _required(
        _hooks().dlcv_checkpoint(run=loaded, checkpoint=str(checkpoint), method=method),
        f"nothing that is installed loads the checkpoint {checkpoint}; use last, best or an epoch",
    )


def _is_usual(checkpoint: str | int) -> bool:
    """Returns whether a checkpoint is one that every run knows."""
    return checkpoint in ("last", "best") or str(checkpoint).isdecimal()


def _required(found: Predictor | None, problem: str) -> Predictor:
    if found is None:
        raise DlcvError(problem)
    return found


def _hooks() -> Any:
    return registry.registry.hooks()


def _opener(path: Path) -> Callable[[], Predictor] | None:
    """Returns what opens a model that is no run, if a plugin knows it."""
    return _hooks().dlcv_opener(path=path)


def _refuse_the_same(paths: Sequence[str | os.PathLike[str]]) -> None:
    """Raises a `DlcvError` if two paths lead to the same place, as `latest` may."""
    found: dict[Path, str | os.PathLike[str]] = {}
    for path in paths:
        other = found.setdefault(Path(path).resolve(), path)
        if other is not path:
            raise DlcvError(f"{other} and {path} are the same run; name each once")
