"""Evaluators: figures from predictions."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

import attrs

from dlcv.interfaces.base import Plugin, plugin
from dlcv.interfaces.combination import Combination, combine

if TYPE_CHECKING:
    import numpy as np


@attrs.frozen(eq=False)
class Predictions:
    """What one or more networks say about labelled samples.

    Attributes:
        probabilities: `(members, samples, classes)` float32; a single network is one member.
        labels: `(samples,)` int64, the true classes.
        label_names: The classes' names.
        sample_ids: What names each sample to people.
        member_names: What names each member to people; may be empty.
        validation_accuracies: Each member's accuracy on validation images, from 0 to 1, as weights
            for those who want them; empty where it is not known.
        method: How the members' probabilities are combined.
        has_copy: `(samples,)` bool: whether the image has a copy among those that were trained on;
            None where that is not known.
    """

    probabilities: "np.ndarray"
    labels: "np.ndarray"
    label_names: tuple[str, ...]
    sample_ids: tuple[str, ...]
    member_names: tuple[str, ...] = ()
    validation_accuracies: tuple[float, ...] = ()
    method: Combination = "mean"
    has_copy: "np.ndarray | None" = None

    @property
    def combined(self) -> "np.ndarray":
        """What the members say together, `(samples, classes)` float32.

        Raises:
            DlcvError: their validation accuracies are needed and not known.
        """
        return combine(self.probabilities, self.method, self.validation_accuracies)


@attrs.frozen
class Table:
    """A table to print.

    Attributes:
        title: What it shows.
        columns: The columns' names.
        rows: As many values a row as there are columns: text, int, or float.
        sample_ids: The sample that each row is about, so that a report can show it; may be empty.
        foot: How many of the last rows are sums or means of the others: they stay below when the
            others are sorted.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float, ...], ...]
    sample_ids: tuple[str, ...] = ()
    foot: int = 0


@attrs.frozen(eq=False)
class Curves:
    """Lines to draw.

    Attributes:
        title: What they show.
        x_label: What the horizontal axis is.
        y_label: What the vertical axis is.
        lines: `(points, 2)` float, x and y, by the line's name.
        has_diagonal: Whether the line where y is x is drawn, too, to compare with.
        by_epoch: Whether x counts epochs: only whole numbers are marked, and a peak of the first
            epochs, beside which nothing else could be seen, is left out with a note.
        marks: Where vertical dotted lines are, such as where a stage begins.
        named_marks: Where vertical lines with a name are, such as the best epoch: place and name.
    """

    title: str
    x_label: str
    y_label: str
    lines: dict[str, "np.ndarray"]
    has_diagonal: bool = False
    by_epoch: bool = False
    marks: tuple[float, ...] = ()
    named_marks: tuple[tuple[float, str], ...] = ()


@attrs.frozen(eq=False)
class Matrix:
    """A table of counts by class and class, to draw.

    Attributes:
        title: What it shows.
        row_label: What the rows are, such as `true`.
        column_label: What the columns are, such as `predicted`.
        names: The classes' names.
        values: `(classes, classes)` int or float.
    """

    title: str
    row_label: str
    column_label: str
    names: tuple[str, ...]
    values: "np.ndarray"


Unit = Literal["%"]
"""`%` is the unit of a share from 0 to 1 that is shown in percent; other metrics have none."""


@attrs.frozen
class Evaluation:
    """What an evaluator found.

    Attributes:
        metrics: Figures by name.
        tables: Tables by name.
        drawings: What can be drawn, by name.
        intervals: 95 % confidence intervals, `(low, high)`, of metrics by their names.
        units: The unit of each metric that has one, by the metric's name.
        notes: Why figures may be worth less than they seem, a sentence each, without a full stop.
    """

    metrics: dict[str, float]
    tables: dict[str, Table] = attrs.field(factory=dict)
    drawings: dict[str, Curves | Matrix] = attrs.field(factory=dict, eq=False)
    intervals: dict[str, tuple[float, float]] = attrs.field(factory=dict)
    units: dict[str, Unit] = attrs.field(factory=dict)
    notes: tuple[str, ...] = ()

    def text(self, name: str) -> tuple[str, str]:
        """Returns a metric's value and interval as text: `98.33 %` and `96.4 to 99.2 %`.

        The interval is empty where none is known.
        """
        value = self.metrics[name]
        low, high = self.intervals.get(name, (value, value))
        if self.units.get(name) == "%":
            shown, between = f"{100 * value:.2f} %", f"{100 * low:.1f} to {100 * high:.1f} %"
        else:
            shown, between = f"{value:.4f}", f"{low:.4f} to {high:.4f}"
        return shown, between if name in self.intervals else ""

    def rows(self) -> list[tuple[str, str, str]]:
        """Returns the name, value and interval of each metric as text, for a table."""
        return [(name, *self.text(name)) for name in self.metrics]


@plugin
class Evaluator(Plugin, ABC):
    """A pure function of predictions."""

    kind: ClassVar[str] = "evaluator"

    @abstractmethod
    def evaluate(self, predictions: Predictions) -> Evaluation:
        """Returns figures about `predictions`.

        Raises:
            DlcvError: the predictions do not allow it.
        """
