"""The history: a row an epoch, as CSV and as a picture of curves, up to date while training."""

import csv
import io
import itertools
import math
import time
from pathlib import Path
from typing import Any

from dlcv import files
from dlcv.evaluation.epochs import arrange, by_epoch, mark_stages

DRAWING_SHARE = 0.03
"""The share of the time that may go into drawing the curves."""


class History:
    """Rows of figures by name, kept in `history.csv` and `curves.png`.

    Attributes:
        rows: A row an epoch.
    """

    def __init__(self, folder: Path, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self._folder = folder
        self._wait_until = 0.0

    def add(self, row: dict[str, Any]) -> None:
        """Appends an epoch's row; the picture follows when drawing has been rare enough."""
        self.rows.append(row)
        self.write()
        start = time.monotonic()
        if start >= self._wait_until:
            self.draw()
            taken = time.monotonic() - start
            self._wait_until = start + taken / DRAWING_SHARE

    def write(self) -> None:
        """Writes the rows that there are, which may be fewer than the file has."""
        if self.rows:
            write_csv(self._folder / "history.csv", self.rows)

    def draw(self) -> None:
        """Draws the curves of all rows."""
        if self.rows:
            draw_curves(self._folder / "curves.png", self.rows)


def best_row(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns the first row with the lowest validation loss; one that is no number is infinite."""
    return min(rows, key=lambda row: _finite(float(row["val_loss"])))


def _finite(loss: float) -> float:
    return loss if math.isfinite(loss) else math.inf


def of_stage(rows: list[dict[str, Any]], stage: int) -> list[dict[str, Any]]:
    """Returns the rows of a stage, which counts from 0."""
    return [row for row in rows if row["stage"] == stage + 1]


def best_epochs(rows: list[dict[str, Any]]) -> set[int]:
    """Returns the best epoch of each stage."""
    stages = itertools.groupby(rows, key=lambda row: row["stage"])
    return {best_row(list(group))["epoch"] for _, group in stages}


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    """Writes rows as CSV with the first row's names as the head."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    files.write_atomically(path, text.getvalue())


def read_csv(path: Path) -> list[dict[str, Any]]:
    """Reads rows that `write_csv` wrote; stage and epoch are ints, the rest are floats."""
    with open(path, newline="") as file:
        return [
            {k: int(v) if k in ("stage", "epoch") else float(v) for k, v in row.items()}
            for row in csv.DictReader(file)
        ]


def draw_curves(path: Path, rows: list[dict[str, Any]]) -> None:
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
