"""Predictions that were made before, so that a further evaluator costs nothing."""

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from dlcv.errors import DlcvError
from dlcv.evaluation.predict import load_predictions, save_predictions
from dlcv.interfaces import Predictions


def cached(
    folder: Path, made_from: Mapping[str, object], predict: Callable[[], Predictions]
) -> Predictions:
    """Returns predictions from a folder, or makes them and saves them there.

    Args:
        folder: Where predictions are saved, unless it can not be written.
        made_from: All that the predictions depend on, as JSON has it.
        predict: Makes them.
    """
    text = json.dumps(made_from, sort_keys=True)
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.npz"
    if path.exists():
        # A damaged file is written again.
        with contextlib.suppress(DlcvError):
            return load_predictions(path)
    made = predict()
    # A run that may only be read can still be evaluated.
    with contextlib.suppress(OSError):
        folder.mkdir(exist_ok=True)
        save_predictions(path, made)
    return made
