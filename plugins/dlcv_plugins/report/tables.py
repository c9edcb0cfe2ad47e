"""Tables of a report, as text."""

import re
from typing import Any

import attrs

from dlcv.errors import printable
from dlcv.interfaces import Table

NUMBER = re.compile(r"-?[\d,]+(\.\d+)?(e-\d+)?( %)?")
SHARE = re.compile(r"(100|\d{1,2})(\.\d+)? %")
SMALL = 0.001
"""Of smaller values, such as learning rates, four decimals would leave nothing to see."""
LONG = 25
"""Tables with more rows are shown in a box that scrolls."""
WIDE = 16
"""Tables with more columns are shown on request."""


@attrs.frozen
class ShownTable:
    """A table as text.

    Attributes:
        title: What it shows.
        columns: The columns' names.
        numeric: Which columns hold numbers only.
        shares: Which columns hold shares in percent only, save the first, which names the rows:
            they have bars.
        rows: The cells.
        foot: The cells of rows that stay below.
    """

    title: str
    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    shares: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    foot: tuple[tuple[str, ...], ...]

    @property
    def is_long(self) -> bool:
        """Whether it has so many rows that it is shown in a box."""
        return len(self.rows) > LONG

    @property
    def is_wide(self) -> bool:
        """Whether it has so many columns that it is shown on request."""
        return len(self.columns) > WIDE


def shown_table(table: Table) -> ShownTable:
    """Returns a table as text."""
    rows = tuple(tuple(map(cell_text, row)) for row in table.rows)
    body = len(rows) - table.foot
    columns = range(len(table.columns))

    def all_match(pattern: re.Pattern[str]) -> tuple[bool, ...]:
        return tuple(bool(rows) and all(pattern.fullmatch(row[i]) for row in rows) for i in columns)

    shares = (False, *all_match(SHARE)[1:])
    return ShownTable(
        table.title, table.columns, all_match(NUMBER), shares, rows[:body], rows[body:]
    )


def cell_text(value: Any) -> str:
    """Returns a value of a table as text: four decimals, or four digits where it is very small."""
    if isinstance(value, float):
        return f"{value:.4g}" if 0 < abs(value) < SMALL else f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else printable(str(value))
