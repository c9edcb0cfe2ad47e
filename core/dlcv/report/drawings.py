"""Drawings of a report: the curves of the training, and what evaluators found, as SVG."""

import base64
import io
import itertools
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from dlcv.evaluation.drawings import figure
from dlcv.interfaces import Curves, Matrix
from dlcv.report.subject import Subject

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Rows = list[dict[str, Any]]


@attrs.frozen
class Drawn:
    """A picture for a page.

    Attributes:
        title: What it shows.
        address: A `data:` address.
        is_matrix: Whether it is a table, which needs more room than lines.
    """

    title: str
    address: str
    is_matrix: bool = False


def training_curves(subject: Subject) -> list[Drawn]:
    """Returns the curves of a run; nothing without epochs.

    Of several members, their validation over each other.
    """
    histories = subject.histories
    if not histories:
        return []
    if subject.is_ensemble:
        return [
            _drawn(_by_epoch("Validation accuracy", "accuracy", histories, "val_accuracy")),
            _drawn(_by_epoch("Validation loss", "loss", histories, "val_loss")),
        ]
    rows = subject.members[0].history
    rate = {"learning rate": _line(rows, "learning_rate")}
    drawings = [
        _training_and_validation(rows, "loss"),
        _training_and_validation(rows, "accuracy"),
        Curves("Learning rate", "epoch", "learning rate", rate),
    ]
    return [
        Drawn(drawing.title, address(_by_stages(figure(drawing), rows))) for drawing in drawings
    ]


def drawn(drawings: dict[str, Curves | Matrix]) -> list[Drawn]:
    """Returns what evaluators found, drawn."""
    return [_drawn(drawing) for drawing in drawings.values()]


def _drawn(drawing: Curves | Matrix) -> Drawn:
    return Drawn(drawing.title, address(figure(drawing)), isinstance(drawing, Matrix))


def address(drawing: "Figure") -> str:
    """Returns a figure as the `data:` address of an SVG picture without a background."""
    import matplotlib

    content = io.BytesIO()
    # Without a date, and with fixed names, the same run has the same page.
    with matplotlib.rc_context({"svg.hashsalt": "dlcv"}):
        drawing.savefig(content, format="svg", transparent=True, metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(content.getvalue()).decode()}"


def _training_and_validation(rows: Rows, name: str) -> Curves:
    lines = {"training": _line(rows, name), "validation": _line(rows, f"val_{name}")}
    return Curves(name.capitalize(), "epoch", name, lines)


def _by_epoch(title: str, y_label: str, histories: dict[str, Rows], column: str) -> Curves:
    lines = {name: _line(rows, column) for name, rows in histories.items()}
    return Curves(title, "epoch", y_label, lines)


def _line(rows: Rows, column: str) -> np.ndarray:
    return np.array([(row["epoch"], row[column]) for row in rows], float)


def _by_stages(drawing: "Figure", rows: Rows) -> "Figure":
    """Marks where a stage begins, and whole epochs only; a single line needs no legend."""
    from matplotlib.ticker import MaxNLocator

    (axes,) = drawing.axes
    if len(axes.lines) == 1 and (legend := axes.get_legend()):
        legend.remove()
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for before, row in itertools.pairwise(rows):
        if row["stage"] != before["stage"]:
            axes.axvline(before["epoch"] + 0.5, color="grey", linestyle=":")
    return drawing
