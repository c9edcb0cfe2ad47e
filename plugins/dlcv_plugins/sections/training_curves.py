"""The curves of the training."""

import itertools
from collections.abc import Iterator, Mapping
from typing import ClassVar

from dlcv.interfaces import Curves, Table, plugin
from dlcv_plugins.kinds.finished_run import FinishedRun, Rows
from dlcv_plugins.kinds.section import Details, Paragraph, Part, Section, SectionContent
from dlcv_plugins.sections.found import in_percent

ACCURACY, LOSS = "accuracy", "loss"
SHARES = ("accuracy", "val_accuracy")


@plugin
class TrainingCurves(Section):
    """Draws loss, accuracy and learning rate by epoch, and marks the best; dots begin a stage."""

    order: ClassVar[int] = 40

    def render(self, run: FinishedRun) -> SectionContent | None:
        """Curves, and a table of all epochs; of several members, their validation together."""
        if not run.histories:
            return None
        if run.members:
            return SectionContent("Curves", tuple(_members(run.histories)))
        parts = (*_network(run.history), *_saved(run), _epochs(run.history))
        return SectionContent("Curves", parts)


def _members(histories: Mapping[str, Rows]) -> list[Curves]:
    return [
        _curves(f"Validation {name}", name, {m: (r, f"val_{name}") for m, r in histories.items()})
        for name in (ACCURACY, LOSS)
    ]


def _network(rows: Rows) -> list[Curves]:
    return [
        *(
            _curves(
                name.capitalize(),
                name,
                {"training": (rows, name), "validation": (rows, f"val_{name}")},
                _best(rows, name),
            )
            for name in (LOSS, ACCURACY)
        ),
        _curves("Learning rate", "learning rate", {"learning rate": (rows, "learning_rate")}),
    ]


def _curves(
    title: str,
    quantity: str,
    lines: dict[str, tuple[Rows, str]],
    best: tuple[tuple[float, str], ...] = (),
) -> Curves:
    """Returns columns of histories by epoch; the stages of the first are marked."""
    import numpy as np

    scale, unit = (100, ", %") if quantity == ACCURACY else (1, "")
    points = {
        name: np.array([(row["epoch"], scale * row[column]) for row in rows], float)
        for name, (rows, column) in lines.items()
    }
    rows, _ = next(iter(lines.values()))
    return Curves(
        title,
        "epoch",
        f"{quantity}{unit}",
        points,
        by_epoch=True,
        marks=tuple(_stages(rows)),
        named_marks=best,
    )


def _best(rows: Rows, name: str) -> tuple[tuple[float, str], ...]:
    """Returns the epoch with the best validation figure, and what is written there."""
    import numpy as np

    values = np.array([row[f"val_{name}"] for row in rows], float)
    if np.isnan(values).all():
        return ()
    row = rows[int(np.nanargmin(values) if name == LOSS else np.nanargmax(values))]
    return ((row["epoch"], f"best: epoch {row['epoch']}"),)


def _saved(run: FinishedRun) -> Iterator[Part]:
    if run.trained_row is not None:
        yield Paragraph(f"The saved weights are those of epoch {run.trained_row['epoch']}.")


def _stages(rows: Rows) -> list[float]:
    """Returns where stages begin, between two epochs."""
    pairs = itertools.pairwise(rows)
    return [before["epoch"] + 0.5 for before, row in pairs if row["stage"] != before["stage"]]


def _epochs(rows: Rows) -> Part:
    columns = tuple(rows[0])
    table = Table("", columns, tuple(tuple(row[c] for c in columns) for row in rows))
    return Details("All epochs", (in_percent(table, *(c for c in columns if c in SHARES)),))
