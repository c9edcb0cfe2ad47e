"""The history: a row of figures an epoch, written while training."""

import csv
import io
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from dlcv import files

Rows: TypeAlias = list[dict[str, float]]
"""The epochs of a run."""
COLUMNS = {"stage", "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds"}
"""What every history has."""
DRAWING_SHARE = 0.03
"""The share of the time that may go into drawing the curves."""


class History:
    """Rows of figures by name, written to `history.csv` and drawn in `curves.png`.

    Attributes:
        rows: A row an epoch.
    """

    def __init__(
        self,
        folder: Path,
        rows: list[dict[str, float]],
        *,
        draw: Callable[[Path, Rows], None] = lambda path, rows: None,
        observe: Callable[[dict[str, float]], None] = lambda row: None,
    ) -> None:
        """Begins with the rows of an earlier part of the training.

        Args:
            folder: The run's folder.
            rows: The rows so far.
            draw: Draws rows as a picture at a path.
            observe: Is called with each row, once it is written.
        """
        self.rows = rows
        self._draw = draw
        self._observe = observe
        self._folder = folder
        self._wait_until = 0.0

    def add(self, row: dict[str, float]) -> None:
        """Appends an epoch's row; the picture follows when drawing has been rare enough."""
        self.rows.append(row)
        self.write()
        self._observe(row)
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
            self._draw(self._folder / "curves.png", self.rows)


def best_row(rows: list[dict[str, float]]) -> dict[str, float]:
    """Returns the first row with the lowest validation loss; one that is no number is infinite."""

    def finite(row: dict[str, float]) -> float:
        return loss if math.isfinite(loss := float(row["val_loss"])) else math.inf

    return min(rows, key=finite)


def of_stage(rows: list[dict[str, float]], stage: int) -> list[dict[str, float]]:
    """Returns the rows of a stage, which counts from 0."""
    return [row for row in rows if row["stage"] == stage + 1]


def write_csv(path: Path, rows: list[dict[str, float]]) -> None:
    """Writes rows as CSV with the first row's names as the head."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    files.write_atomically(path, text.getvalue())


def read_csv(path: Path) -> list[dict[str, float]]:
    """Reads rows that `write_csv` wrote; stage and epoch are ints, the rest are floats.

    Raises:
        ValueError: a value is no number, or a column is missing that every training has.
        TypeError: a row has fewer or more values than the head.
    """
    with open(path, newline="", encoding="utf-8", opener=files.regular) as file:
        reader = csv.DictReader(file)
        if missing := sorted(COLUMNS - {*(reader.fieldnames or ())}):
            raise ValueError(f"it has no column {missing[0]}")
        return [
            {k: int(v) if k in ("stage", "epoch") else float(v) for k, v in row.items()}
            for row in reader
        ]
