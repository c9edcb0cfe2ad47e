"""The curves of the training."""

import itertools
from collections.abc import Mapping
from typing import ClassVar

from dlcv.interfaces import Curves, Table, plugin
from dlcv_plugins.kinds.finished_run import FinishedRun, Rows
from dlcv_plugins.kinds.section import Details, Part, Section, SectionContent


@plugin
class TrainingCurves(Section):
    """Draws loss, accuracy and learning rate by epoch; a dotted line begins a stage."""

    order: ClassVar[int] = 40

    def render(self, run: FinishedRun) -> SectionContent | None:
        """Curves, and a table of all epochs; of several members, their validation together."""
        if not run.histories:
            return None
        if run.members:
            return SectionContent("Curves", tuple(_members(run.histories)))
        return SectionContent("Curves", (*_network(run.history), _epochs(run.history)))


def _members(histories: Mapping[str, Rows]) -> list[Curves]:
    return [
        _curves(f"Validation {name}", name, {m: (r, f"val_{name}") for m, r in histories.items()})
        for name in ("accuracy", "loss")
    ]


def _network(rows: Rows) -> list[Curves]:
    return [
        *(
            _curves(
                name.capitalize(),
                name,
                {"training": (rows, name), "validation": (rows, f"val_{name}")},
            )
            for name in ("loss", "accuracy")
        ),
        _curves("Learning rate", "learning rate", {"learning rate": (rows, "learning_rate")}),
    ]


def _curves(title: str, y_label: str, lines: dict[str, tuple[Rows, str]]) -> Curves:
    """Returns columns of histories by epoch; the stages of the first are marked."""
    import numpy as np

    points = {
        name: np.array([(row["epoch"], row[column]) for row in rows], float)
        for name, (rows, column) in lines.items()
    }
    rows, _ = next(iter(lines.values()))
    return Curves(title, "epoch", y_label, points, by_epoch=True, marks=tuple(_stages(rows)))


def _stages(rows: Rows) -> list[float]:
    """Returns where stages begin, between two epochs."""
    pairs = itertools.pairwise(rows)
    return [before["epoch"] + 0.5 for before, row in pairs if row["stage"] != before["stage"]]


def _epochs(rows: Rows) -> Part:
    columns = tuple(rows[0])
    table = Table("", columns, tuple(tuple(row[c] for c in columns) for row in rows))
    return Details("All epochs", (table,))
