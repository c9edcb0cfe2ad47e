"""A log of all experiments: a line of JSON for each start, each epoch and each result.

It is `experiments.jsonl` in the folder of all runs, or where DLCV_EXPERIMENTS says.
"""

import json
import os
import time
from pathlib import Path

from dlcv import hook


@hook
def dlcv_run_started(run):
    """Writes which run begins, or goes on, and with which settings."""
    settings = {
        "data": run.config.data,
        "architecture": str(run.config.architecture),
        "preprocessors": str(run.config.preprocessors),
        "optimizer": str(run.config.stages[0].optimizer),
        "seed": run.config.seed,
    }
    _write(run, "started", settings)


@hook
def dlcv_callbacks(run):
    """Returns what writes the figures of each epoch."""
    import keras

    class EpochLog(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            figures = {name: float(value) for name, value in (logs or {}).items()}
            _write(run, "epoch", {"epoch": len(run.history) + 1, **figures})

    return [EpochLog()]


@hook
def dlcv_run_finished(run, result):
    """Writes the figures on the held-out images."""
    _write(run, "finished", dict(result))


def _write(run, event, content):
    path = Path(os.environ.get("DLCV_EXPERIMENTS") or run.path.parent / "experiments.jsonl")
    row = {"time": round(time.time(), 3), "run": run.path.name, "event": event, **content}
    # A line in one piece at the end: runs that train side by side do not mix theirs.
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(file, json.dumps(row, ensure_ascii=False).encode() + b"\n")
    finally:
        os.close(file)
