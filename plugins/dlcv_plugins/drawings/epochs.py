"""Drawings of figures by epoch."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlcv import files

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Rows = Sequence[Mapping[str, Any]]
"""The epochs of a run, as its history has them."""
START_SHARE = 0.25
"""The share of the epochs that are the start of a training."""
PEAK = 4
"""A start whose loss is more than so many times that of all later epochs is left out."""


def by_epoch(rows: Rows, column: str) -> np.ndarray:
    """Returns the epochs with their values of a column, `(epochs, 2)` float."""
    return np.array([(row["epoch"], row[column]) for row in rows], float)


def arrange(axes: "Axes", lines: Iterable[np.ndarray]) -> None:
    """Gives whole epochs to the axis, and leaves out a peak of the first epochs.

    The loss of the first epochs may be many times what follows, which nobody could tell apart
    below it. What is left out is said.

    Args:
        axes: What the lines are drawn on.
        lines: Epochs with their values, `(epochs, 2)` float each.
    """
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    points = np.concatenate([np.empty((0, 2)), *lines])
    points = points[np.isfinite(points).all(axis=1)]
    later = points[points[:, 0] > len({*points[:, 0]}) * START_SHARE, 1]
    if len(later) and 0 < PEAK * later.max() < points[:, 1].max():
        axes.set_ylim(-0.05 * later.max(), 1.5 * later.max())
        text = f"the first epochs go up to {points[:, 1].max():.3g}"
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
