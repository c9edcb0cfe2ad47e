"""Loading whatever predicts: a run, another model, or several that predict together."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from dlcv import registry
from dlcv.errors import DlcvError
from dlcv.interfaces import Combination
from dlcv.runs.directory import RunDirectory
from dlcv.runs.ensemble import Ensemble
from dlcv.runs.predictor import Predictor
from dlcv.runs.run import Run
from dlcv.runs.snapshots import SNAPSHOTS, snapshots
from dlcv.runs.trainers import load_trained


def load(
    *paths: str | os.PathLike[str],
    checkpoint: str | int = "last",
    method: Combination | None = None,
) -> Predictor:
    """Loads a run or another model from its directory, or several as an ensemble.

    Args:
        paths: The directories. One that has several members is an ensemble by itself.
        checkpoint: Whose weights are used: `last`, `best` for the lowest validation loss, or the
            number of an epoch; `snapshots` for an ensemble of those at the ends of the learning
            rate's cycles. Whether there is such a checkpoint shows when the network is used.
        method: How several are combined: `mean`, `weighted` by validation accuracy, `geometric`
            mean, or `vote`; by default as the run was evaluated, else by their mean.

    Raises:
        DlcvError: there is no run, one is named twice or has a member that is not finished or no
            snapshots, or the runs do not have the same classes.
    """
    if not paths:
        raise DlcvError("there is no run to load; name at least one")
    if checkpoint not in ("last", "best", SNAPSHOTS) and not str(checkpoint).isdecimal():
        raise DlcvError(
            f'checkpoint: expected last, best, an epoch or {SNAPSHOTS}, received "{checkpoint}"'
        )
    _refuse_the_same(paths)
    found = [_open(path, checkpoint, method) for path in paths]
    return found[0] if len(found) == 1 else Ensemble(found, method=method or "mean")


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
    if checkpoint != SNAPSHOTS:
        return load_trained(path, checkpoint, method)
    loaded = load_trained(path, "last", method)
    if not isinstance(loaded, Ensemble):
        assert isinstance(loaded, Run)
        return snapshots(loaded, method or "mean")
    each = [snapshots(member) for member in loaded.members if isinstance(member, Run)]
    return Ensemble(each, method=loaded.method, path=loaded.path, names=loaded.names)


def _opener(path: Path) -> Callable[[], Predictor] | None:
    """Returns what opens a model that is no run, if a plugin knows it."""
    found: Callable[[], Predictor] | None = registry.registry.hooks().dlcv_opener(path=path)
    return found


def _refuse_the_same(paths: Sequence[str | os.PathLike[str]]) -> None:
    """Raises a `DlcvError` if two paths lead to the same place, as `latest` may."""
    found: dict[Path, str | os.PathLike[str]] = {}
    for path in paths:
        other = found.setdefault(Path(path).resolve(), path)
        if other is not path:
            raise DlcvError(f"{other} and {path} are the same run; name each once")
