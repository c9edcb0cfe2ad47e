"""Draws what evaluators find for `dlcv evaluate`."""

from collections.abc import Mapping
from pathlib import Path

from dlcv import hook
from dlcv.interfaces import Curves, Matrix


@hook
def dlcv_draw(
    drawings: Mapping[str, Curves | Matrix], folder: Path, force: bool
) -> dict[str, Path]:
    """Writes drawings as PNG files, and returns their paths by the drawings' names."""
    from dlcv_plugins.drawings.figures import save_all

    return save_all(drawings, folder, force=force)
