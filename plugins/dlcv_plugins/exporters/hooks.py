"""Lets exported models be loaded like runs."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dlcv import hook

if TYPE_CHECKING:
    from dlcv.api import Predictor

DESCRIPTION = "model.json"
"""The file that describes an exported model: input, output, and what to do to an image before."""


@hook
def dlcv_opener(path: Path) -> "Callable[[], Predictor] | None":
    """Returns what opens the exported model in a folder."""
    if not is_export(path):
        return None

    def opened() -> "Predictor":
        from dlcv_plugins.exporters.exported import Exported

        return Exported(path)

    return opened


def is_export(path: Path) -> bool:
    """Returns whether a folder holds an exported model, going by the names in it."""
    return (path / DESCRIPTION).is_file() and not (path / "run.toml").exists()
