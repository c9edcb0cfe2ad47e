"""A line of JSON for each epoch."""

import json
from typing import Any

from dlcv.interfaces import RunView, Tracker, option, plugin


@plugin
class JsonLines(Tracker):
    """Appends the figures of each epoch to a file in the run's folder."""

    file: str = option("epochs.jsonl", help="the file's name")

    def epoch(self, run: RunView, row: dict[str, Any]) -> None:
        """Called after each epoch with its figures."""
        with open(run.path / self.file, "a") as file:
            file.write(json.dumps(row) + "\n")
