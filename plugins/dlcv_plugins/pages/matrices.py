"""Matrices, measured: the tint and text of each cell, for `matrices.html`, which draws them."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

from dlcv.errors import printable
from dlcv.interfaces import Matrix

if TYPE_CHECKING:
    import numpy as np

MOST_NAMES = 50
"""More classes leave no room for a name at each row."""
MOST_CELLS = 4000
"""Of a matrix without names; those with the largest values are shown."""
SHORT = 3
"""Names with more letters are turned."""
MIDDLE, SMALL = 15, 30
"""More classes have smaller cells."""


@attrs.frozen
class Cell:
    """A cell.

    Attributes:
        row: Its row.
        column: Its column.
        text: Its value; empty for 0.
        tint: How strong its color is, from 0 to 1.
        opens: Whether it opens images.
    """

    row: int
    column: int
    text: str
    tint: float
    opens: bool

    @property
    def is_right(self) -> bool:
        """Whether it is on the diagonal."""
        return self.row == self.column


@attrs.frozen
class ShownMatrix:
    """A matrix.

    Attributes:
        title: What it shows.
        row_label: What the rows are.
        column_label: What the columns are.
        names: The classes' names.
        sums: The sum of each row, as text.
        rows: The cells, row by row; without names, only those that are not 0.
        size: How large the cells are: `large`, `middle`, `small`, or `dense` without names.
        left_out: How many cells are not shown.
    """

    title: str
    row_label: str
    column_label: str
    names: tuple[str, ...]
    sums: tuple[str, ...]
    rows: list[list[Cell]]
    size: str
    left_out: int

    @property
    def has_upright_names(self) -> bool:
        """Whether the names of the columns are turned, since they are long."""
        return max(map(len, self.names), default=0) > SHORT


def shown_matrix(matrix: Matrix, opened: frozenset[tuple[int, int]] = frozenset()) -> ShownMatrix:
    """Returns what is in a matrix.

    Args:
        matrix: The matrix.
        opened: The rows and columns of the cells that open images.
    """
    import numpy as np

    values = np.asarray(matrix.values)
    classes = len(matrix.names)
    is_dense = classes > MOST_NAMES
    sums = values.sum(axis=1)
    shown = values != 0 if is_dense else np.ones_like(values, bool)
    left_out = 0
    if is_dense and (left_out := max(0, int(shown.sum()) - MOST_CELLS)):
        shown = np.zeros_like(shown)
        strongest = np.argsort(-values, axis=None, kind="stable")[:MOST_CELLS]
        shown[np.unravel_index(strongest, values.shape)] = True
    rows = [list(_cells(values, row, sums, shown[row], opened)) for row in range(classes)]
    sizes = {MIDDLE: "large", SMALL: "middle", MOST_NAMES: "small"}
    return ShownMatrix(
        printable(matrix.title),
        printable(matrix.row_label),
        printable(matrix.column_label),
        tuple(map(printable, matrix.names)),
        tuple(_text(value) for value in sums.tolist()),
        rows,
        next((size for most, size in sizes.items() if classes <= most), "dense"),
        left_out,
    )


def _cells(
    values: "np.ndarray",
    row: int,
    sums: "np.ndarray",
    shown: "np.ndarray",
    opened: frozenset[tuple[int, int]],
) -> Iterator[Cell]:
    for column in shown.nonzero()[0].tolist():
        value, whole = float(values[row, column]), float(sums[row])
        share = max(0.0, value / whole) if whole > 0 else 0.0
        # The root lets a few confusions be seen beside a diagonal of many samples.
        tint = round(math.sqrt(min(1.0, share)), 2)
        yield Cell(row, column, _text(value) if value else "", tint, (row, column) in opened)


def _text(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:g}"
