"""Pictures of what evaluators find."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dlcv import files
from dlcv.errors import printable
from dlcv.interfaces import Curves, Matrix
from dlcv_plugins.drawings.epochs import arrange
from dlcv_plugins.pictures import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 120
CLASSES_WITH_COUNTS = 15
"""More classes leave no room for a number in each cell."""
CLASSES_WITH_NAMES = 50
"""More classes leave no room for a name at each row."""
LONGEST_NAME = 24
"""Longer names are cut, in characters."""
SHARE_OF_CELL = 0.95
"""Of its width, names have as much, so that two do not run into each other."""
LINE_STYLES = "-", "--", ":", "-."
"""One after the other, whenever the colors are used up."""
UNSAFE = re.compile(r"[^\w.-]+")
"""What no file's name should hold."""
LINES_IN_LEGEND = 20
POINTS_WITH_MARKERS = 20
COLORS = 10
"""So many lines have a color of their own, in Matplotlib's order of colors."""


def figure(drawing: Curves | Matrix) -> "Figure":
    """Returns a drawing as a Matplotlib figure."""
    return _figure_of_curves(drawing) if isinstance(drawing, Curves) else _figure_of(drawing)


def save(drawing: Curves | Matrix, path: Path) -> None:
    """Writes a drawing as a picture; the path's extension decides the format."""
    with files.atomic_path(path) as temporary:
        figure(drawing).savefig(temporary, dpi=DPI)


def save_all(
    drawings: Mapping[str, Curves | Matrix], folder: Path, *, force: bool = False
) -> dict[str, Path]:
    """Writes drawings as PNG files and returns their paths by the drawings' names.

    Args:
        drawings: Drawings by name.
        folder: Where the files go; it is made.
        force: Whether files of these names may be replaced.

    Raises:
        DlcvError: there is such a file, and it may not be replaced.
    """
    paths = {name: folder / f"{UNSAFE.sub('_', name)}.png" for name in drawings}
    for path in paths.values():
        files.refuse_existing(path, force=force)
    if paths:
        folder.mkdir(parents=True, exist_ok=True)
    for name, drawing in drawings.items():
        save(drawing, paths[name])
    return paths


def _figure_of_curves(curves: Curves) -> "Figure":
    """Returns lines over each other, square if they are compared with the diagonal."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(5.5, 5) if curves.has_diagonal else (7, 4.5), layout="constrained")
    axes = drawn.subplots()
    if curves.has_diagonal:
        axes.axline((0, 0), slope=1, color="grey", linestyle="--", linewidth=1)
    for number, line in enumerate(curves.lines.values()):
        marker = "o" if len(line) <= POINTS_WITH_MARKERS else ""
        style = LINE_STYLES[number // COLORS % len(LINE_STYLES)]
        axes.plot(*np.asarray(line).T, linestyle=style, marker=marker, markersize=4)
    points = np.concatenate([np.empty((0, 2)), *curves.lines.values()])
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) and points.min() >= 0 and points.max() <= 1:
        # Shares are seen as what they are only between nothing and all.
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.grid(alpha=0.3)
    if 0 < len(curves.lines) <= LINES_IN_LEGEND:
        # Matplotlib leaves out names that begin with an underscore, so they are set afterwards.
        places = [*map(str, range(len(curves.lines)))]
        legend = axes.legend(axes.lines[-len(places) :], places, fontsize=8)
        for text, name in zip(legend.get_texts(), curves.lines, strict=True):
            text.set(text=printable(name), parse_math=False)
    for place in curves.marks:
        axes.axvline(place, color="grey", linestyle=":")
    for place, name in curves.named_marks:
        axes.axvline(place, color="tab:green", linewidth=1)
        top = axes.get_xaxis_transform()
        axes.text(place, 1, printable(name), transform=top, fontsize=8, parse_math=False)
    if curves.by_epoch:
        # What lies between 0 and 1 is drawn as shares are, and epochs are none.
        axes.autoscale()
        arrange(axes, curves.lines.values())
        if len(curves.lines) == 1 and (shown := axes.get_legend()):
            shown.remove()
    _write_labels(axes, curves.title, curves.x_label, curves.y_label)
    return drawn


def _figure_of(matrix: Matrix) -> "Figure":
    """Returns counts as cells, whose color is the share of the row that they make up."""
    from matplotlib.colors import PowerNorm
    from matplotlib.figure import Figure

    classes = len(matrix.names)
    counts = np.asarray(matrix.values, float)
    sums = counts.sum(axis=1, keepdims=True)
    # A row of a class without samples has no shares, and gets no color.
    shares = np.divide(counts, sums, out=np.full_like(counts, np.nan), where=sums > 0)
    size = min(9.0, 3.5 + 0.4 * classes)
    drawn = Figure(figsize=(size + 1, size), layout="constrained")
    axes = drawn.subplots()
    # The root lets a few confusions be seen beside a diagonal of many samples.
    image = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1), interpolation="nearest")
    axes.set_facecolor("0.92")
    drawn.colorbar(image, ax=axes, shrink=0.8, label=f"share of the {matrix.row_label} class")
    if classes <= CLASSES_WITH_NAMES:
        _write_names(axes, matrix.names)
    else:
        axes.set(xticks=[], yticks=[])
    if classes <= CLASSES_WITH_COUNTS:
        _write_counts(axes, np.asarray(matrix.values), shares)
    _write_labels(axes, matrix.title, matrix.column_label, matrix.row_label)
    _turn_names(drawn, axes)
    return drawn


def _write_names(axes: "Axes", names: tuple[str, ...]) -> None:
    """Writes the classes at the rows and columns."""
    shown = [shortened(printable(name), LONGEST_NAME) for name in names]
    fontsize = 9 if len(names) <= CLASSES_WITH_COUNTS else 6
    places = range(len(names))
    axes.set_yticks(places, shown, fontsize=fontsize, parse_math=False)
    axes.set_xticks(places, shown, fontsize=fontsize, parse_math=False)


def _turn_names(drawn: "Figure", axes: "Axes") -> None:
    """Turns the columns' names upright where the longest is wider than a cell."""
    labels = axes.get_xticklabels()
    if labels:
        # What remains for a cell is known once all else has its place.
        drawn.draw_without_rendering()
        cell = axes.get_window_extent().width / len(labels)
        if max(label.get_window_extent().width for label in labels) > SHARE_OF_CELL * cell:
            axes.tick_params(axis="x", labelrotation=90)
            # The layout begins at the last one, and needs a second pass to make room for them.
            drawn.draw_without_rendering()


def _write_counts(axes: "Axes", counts: np.ndarray, shares: np.ndarray) -> None:
    """Writes the number in each cell, readable on its color."""
    fontsize = 11 if len(counts) <= 5 else 8
    for (row, column), count in np.ndenumerate(counts):
        text = f"{count:g}" if counts.dtype.kind == "f" else str(count)
        color = "white" if shares[row, column] > 0.4 else "0.2" if count else "0.7"
        axes.text(column, row, text, ha="center", va="center", fontsize=fontsize, color=color)


def _write_labels(axes: "Axes", title: str, x_label: str, y_label: str) -> None:
    # A dollar in a text is no formula.
    axes.set_title(printable(title), fontsize=11, parse_math=False)
    axes.set_xlabel(printable(x_label), parse_math=False)
    axes.set_ylabel(printable(y_label), parse_math=False)
