"""Tables of a report, ready to be shown."""

from collections.abc import Callable
from typing import Any

import attrs

from dlcv.errors import printable
from dlcv.interfaces import Table
from dlcv.report.pictures import Picture

LONG = 25
"""Tables with more rows are shown in a box that scrolls."""
WIDE = 8
"""Tables with more columns are shown on request."""


@attrs.frozen
class Shown:
    """A table as text.

    Attributes:
        title: What it shows; may be empty.
        columns: The columns' names.
        numeric: Whether each column holds numbers only.
        rows: The cells' texts.
        foot: Rows that stay below when the others are sorted.
        pictures: The image that each row is about; may be empty.
    """

    title: str
    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    foot: tuple[tuple[str, ...], ...] = ()
    pictures: tuple[Picture, ...] = ()

    @property
    def is_long(self) -> bool:
        """Whether it has so many rows that it is shown in a box."""
        return len(self.rows) > LONG

    @property
    def is_wide(self) -> bool:
        """Whether it has so many columns that it is shown on request."""
        return len(self.columns) > WIDE


def shown(table: Table, picture: Callable[[str], Picture] | None = None) -> Shown:
    """Returns a table as text.

    Args:
        table: The table.
        picture: Finds the image of a sample.
    """
    rows = tuple(tuple(map(_text, row)) for row in table.rows)
    body = len(rows) - table.foot
    numeric = tuple(
        bool(rows) and all(isinstance(row[i], int | float) for row in table.rows)
        for i in range(len(table.columns))
    )
    pictures = tuple(map(picture, table.sample_ids)) if picture else ()
    return Shown(table.title, table.columns, numeric, rows[:body], rows[body:], pictures)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else printable(str(value))
