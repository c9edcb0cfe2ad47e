"""Completing a finished run: a process that was killed at its very end left files out."""

import logging
from collections.abc import Sequence

from dlcv import files
from dlcv.api import Observers, Trained, save_predictions

logger = logging.getLogger(__name__)


def write_missing(run: Trained) -> list[str]:
    """Writes the predictions and the report of a finished run, where they are missing.

    What was left half-written is removed.

    Where the report is missing, the process ended before the hooks were called, so they are called
    now.

    Args:
        run: A finished run, whose directory is locked.

    Returns:
        The names of the files that were written.
    """
    directory = run.directory
    files.sweep(directory.path)
    missing = [path for path in (directory.predictions, directory.report) if not path.exists()]
    if directory.predictions in missing:
        save_predictions(directory.predictions, run.predictions())
    if directory.report in missing:
        Observers(run.config).finished(run)
    return [path.name for path in missing if path.exists()]


def log_finished(run: Trained, written: Sequence[str]) -> None:
    """Logs that a run was finished already, and which of its files were missing."""
    if written:
        logger.info("%s was finished; wrote what was missing: %s", run.path, ", ".join(written))
    else:
        logger.info("%s is finished, and all its files are there", run.path)
