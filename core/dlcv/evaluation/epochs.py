"""Drawings of figures by epoch."""

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlcv.evaluation.drawings import figure
from dlcv.interfaces import Curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Rows = Sequence[Mapping[str, Any]]
"""The epochs of a run, as its history has them."""


def by_epoch(rows: Rows, column: str) -> np.ndarray:
    """Returns the epochs with their values of a column, `(epochs, 2)` float."""
    return np.array([(row["epoch"], row[column]) for row in rows], float)


def figure_by_epoch(title: str, y_label: str, lines: dict[str, np.ndarray]) -> "Figure":
    """Returns lines over whole epochs as a Matplotlib figure; a single line has no legend."""
    from matplotlib.ticker import MaxNLocator

    drawn = figure(Curves(title, "epoch", y_label, lines))
    (axes,) = drawn.axes
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    # What lies between 0 and 1 is drawn as shares are, and epochs are none.
    axes.set_xlim(auto=True)
    axes.autoscale(axis="x")
    if len(lines) == 1 and (legend := axes.get_legend()):
        legend.remove()
    return drawn


def mark_stages(drawn: "Figure", rows: Rows) -> "Figure":
    """Draws a line where a stage begins."""
    (axes,) = drawn.axes
    for before, row in itertools.pairwise(rows):
        if row["stage"] != before["stage"]:
            axes.axvline(before["epoch"] + 0.5, color="grey", linestyle=":")
    return drawn
