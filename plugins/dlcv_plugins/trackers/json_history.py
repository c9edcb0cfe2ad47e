"""The history of a run as JSON."""

import json
from typing import Any

from dlcv import files
from dlcv.interfaces import RunView, Tracker, plugin

FILE = "history.json"
"""The file in a run's folder."""


@plugin
class JSONHistory(Tracker):
    """Writes `history.json` after each epoch: a list of all epochs' values for each figure.

    The form of Keras's `History.history`, and of the training monitor of Rosebrock (*Deep Learning
    for Computer Vision with Python*, Practitioner Bundle, 2017).
    """

    def epoch(self, run: RunView, row: dict[str, Any]) -> None:
        """Writes the rows so far, this one included."""
        rows = run.history
        columns = {name: [each[name] for each in rows] for name in row}
        files.write_atomically(run.path / FILE, json.dumps(columns, indent=1) + "\n")
