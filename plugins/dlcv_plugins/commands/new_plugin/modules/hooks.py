"""Keeps a list of results."""

from typing import Any

from dlcv import hook
from dlcv.interfaces import RunView


@hook
def dlcv_run_finished(run: RunView, result: dict[str, Any]) -> None:
    """Adds a run's accuracy to the list."""
    with open(run.path.parent / "results.txt", "a") as file:
        file.write(f"{result['rank1']:.4f} {run.path.name}\n")
