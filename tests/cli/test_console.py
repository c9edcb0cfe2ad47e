"""What commands print."""

from typing import Any

import pytest

from dlcv.cli.console import table


@pytest.mark.parametrize(
    ("columns", "rows", "expected"),
    [
        (("name", "value"), [], ["name  value"]),
        (
            ("class", "images", "precision"),
            [("cat", 5, 0.5), ("monkey", 120, 1.0)],
            ["class   images  precision", "cat          5     0.5000", "monkey     120     1.0000"],
        ),
        # One text makes a column a text's.
        (("a", "b"), [("x", 1), ("yyy", "none")], ["a    b", "x    1", "yyy  none"]),
        (("n",), [(-1,), (10,)], [" n", "-1", "10"]),
    ],
)
def test_tables_put_texts_left_and_numbers_right(
    columns: tuple[str, ...], rows: list[tuple[Any, ...]], expected: list[str]
) -> None:
    assert table(columns, rows).split("\n") == expected
