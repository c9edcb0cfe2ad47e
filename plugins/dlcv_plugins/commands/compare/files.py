"""A comparison of runs as a file: a table for other programs, and a picture of the curves."""

import csv
import io
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlcv import files
from dlcv.errors import DlcvError
from dlcv.interfaces import Curves
from dlcv_plugins.commands.compare.rows import GUESSING, Row
from dlcv_plugins.drawings.epochs import by_epoch
from dlcv_plugins.drawings.figures import figure

logger = logging.getLogger(__name__)
DPI = 120
PLAIN = (
    "run", "network", "best_accuracy", "best_epoch", "last_accuracy", "last_epoch", "split",
    "images", "parameters", "seconds",
)  # fmt: skip


def write_table(path: Path, rows: Sequence[Row]) -> None:
    """Writes rows as CSV, with all settings that differ, all figures and their intervals."""
    tables = [_flat(row) for row in rows]
    columns = dict.fromkeys(name for table in tables for name in table)
    text = io.StringIO()
    writer = csv.DictWriter(text, [*columns], lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(tables)
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_atomically(path, text.getvalue().encode(errors="surrogateescape"))


def draw_curves(path: Path, rows: Sequence[Row]) -> None:
    """Draws the validation accuracy of all runs over each other, with that of guessing.

    Raises:
        DlcvError: no run has an epoch.
    """
    lines = {row.run: by_epoch(row.history, "val_accuracy") for row in rows if row.history}
    if not lines:
        raise DlcvError("there are no curves to draw: none of the runs has an epoch so far")
    for row in rows:
        if row.network and not row.history:
            logger.info("no curves of %s: no epochs of its own", row.run)
    drawn = figure(
        Curves("Validation accuracy", "epoch", "validation accuracy", lines, by_epoch=True)
    )
    (axes,) = drawn.axes
    chance = next(row.best_accuracy for row in rows if row.run == GUESSING)
    assert chance is not None
    axes.axhline(chance, color="grey", linestyle=":", linewidth=1)
    place = axes.get_yaxis_transform()
    axes.text(
        0.99, chance, GUESSING, transform=place, color="grey", fontsize=8, ha="right", va="bottom"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.atomic_path(path) as temporary:
        drawn.savefig(temporary, dpi=DPI)


def _flat(row: Row) -> dict[str, Any]:
    intervals = {
        f"{name}_{end}": value
        for name, interval in row.intervals.items()
        for end, value in zip(("low", "high"), interval, strict=True)
    }
    plain = {name: getattr(row, name) for name in PLAIN}
    remarks = {"remarks": "; ".join(row.remarks)}
    return {**plain, **remarks, **row.settings, **row.metrics, **intervals}
