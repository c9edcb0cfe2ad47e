"""Opening whatever predicts: a run, or several that answer together."""

import os
from pathlib import Path

from dlcv.interfaces import Combination
from dlcv.runs.ensemble import Ensemble
from dlcv.runs.predictor import Predictor
from dlcv.runs.run import load_run


def load(
    *paths: str | os.PathLike[str],
    checkpoint: str | int = "last",
    method: Combination = "mean",
) -> Predictor:
    """Loads a run from its directory, or several as an ensemble.

    Args:
        paths: The directories.
        checkpoint: Whose weights are used: `last`, `best` for the lowest validation loss, or the
            number of an epoch. That there is such a checkpoint shows when the network is used.
        method: How several runs are combined.

    Raises:
        DlcvError: there is no run, or the runs do not know the same classes.
    """
    found = [load_run(path, checkpoint=checkpoint) for path in paths]
    return found[0] if len(found) == 1 else Ensemble(found, method=method)


def is_predictor(path: str | os.PathLike[str]) -> bool:
    """Returns whether a path is a run's, and not an image's."""
    return (Path(path) / "run.toml").is_file()
