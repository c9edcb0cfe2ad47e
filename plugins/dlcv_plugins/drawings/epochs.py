"""Drawings of figures by epoch."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dlcv import files
from dlcv_plugins.pages.axes import peak

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Rows = Sequence[Mapping[str, float]]
"""The epochs of a run, as its history has them."""


def by_epoch(rows: Rows, column: str) -> np.ndarray:
    """Returns the epochs with their values of a column, `(epochs, 2)` float."""
    return np.array([(row["epoch"], row[column]) for row in rows], float)


def arrange(axes: "Axes", lines: Iterable[np.ndarray]) -> None:
    """Gives whole epochs to the axis, and leaves out a peak of the first epochs, with a note.

    Args:
        axes: What the lines are drawn on.
        lines: Epochs with their values, `(epochs, 2)` float each.
    """
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if (found := peak(lines)) is not None:
        axes.set_ylim(-found.end / 30, found.end)
        text = f"the first epochs go up to {found.highest:.3g}"
        axes.set_title(text, loc="right", color="grey", fontsize=8)


def mark_stages(axes: "Axes", rows: Rows) -> None:
    """Draws a line where a stage begins."""
    for before, row in itertools.pairwise(rows):
        if row["stage"] != before["stage"]:
            axes.axvline(before["epoch"] + 0.5, color="grey", linestyle=":")


def draw_curves(path: Path, rows: Rows) -> None:
    """Draws loss and accuracy, of training and validation, by epoch, in two panels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        lines = {"training": by_epoch(rows, name), "validation": by_epoch(rows, f"val_{name}")}
        for label, line in lines.items():
            axes.plot(*line.T, label=label, marker="o", markersize=3)
        axes.set(xlabel="epoch", ylabel=name)
        arrange(axes, lines.values())
        axes.grid(alpha=0.3)
        axes.legend()
        mark_stages(axes, rows)
    with files.atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=100)
