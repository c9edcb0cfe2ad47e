"""Drawings of a report: the curves of the training, and what evaluators found, as SVG."""

import base64
import io
import warnings
from typing import TYPE_CHECKING

import attrs

from dlcv.evaluation.drawings import figure
from dlcv.evaluation.epochs import Rows, by_epoch, figure_by_epoch, mark_stages
from dlcv.interfaces import Curves, Matrix
from dlcv.report.subject import Subject

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = {"training": "", "validation": "val_"}
"""The lines of a picture, and how the history calls them."""


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
            _by_epoch(
                f"Validation {name}", name, {m: (r, f"val_{name}") for m, r in histories.items()}
            )
            for name in ("accuracy", "loss")
        ]
    rows = subject.members[0].history
    return [
        *(
            _by_epoch(name.capitalize(), name, {t: (rows, f"{p}{name}") for t, p in KINDS.items()})
            for name in ("loss", "accuracy")
        ),
        _by_epoch("Learning rate", "learning rate", {"learning rate": (rows, "learning_rate")}),
    ]


def _by_epoch(title: str, y_label: str, lines: dict[str, tuple[Rows, str]]) -> Drawn:
    """Draws columns of histories; the stages of the first are marked."""
    drawing = figure_by_epoch(
        title, y_label, {name: by_epoch(*line) for name, line in lines.items()}
    )
    rows, _ = next(iter(lines.values()))
    mark_stages(drawing.axes[0], rows)
    return Drawn(title, address(drawing))


def drawn(drawings: dict[str, Curves | Matrix]) -> list[Drawn]:
    """Returns what evaluators found, drawn."""
    return [_drawn(drawing) for drawing in drawings.values()]


def _drawn(drawing: Curves | Matrix) -> Drawn:
    return Drawn(drawing.title, address(figure(drawing)), isinstance(drawing, Matrix))


def address(drawing: "Figure") -> str:
    """Returns a figure as the `data:` address of an SVG picture without a background."""
    import matplotlib

    content = io.BytesIO()
    # Without a date, and with fixed names, the same run has the same page. Text stays text: the
    # browser has letters of more scripts, and knows in which direction they are read.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        with matplotlib.rc_context({"svg.hashsalt": "dlcv", "svg.fonttype": "none"}):
            drawing.savefig(content, format="svg", transparent=True, metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(content.getvalue()).decode()}"
