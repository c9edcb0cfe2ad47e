"""Tables of a report, as text."""

import pytest

from dlcv.interfaces import Table
from dlcv_plugins.report.tables import cell_text, shown_table


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.5, "0.5000"),
        (0.001, "0.0010"),
        (0.00012345, "0.0001234"),
        (3e-05, "3e-05"),
        (-1.5e-06, "-1.5e-06"),
        (0.0, "0.0000"),
        (float("nan"), "nan"),
        (1234, "1,234"),
    ],
)
def test_small_numbers_keep_their_digits(value, expected):
    assert cell_text(value) == expected


def test_a_column_of_small_learning_rates_is_one_of_numbers():
    table = shown_table(Table("", ("epoch", "learning rate"), ((1, 0.01), (2, 1e-05))))
    assert table.rows == (("1", "0.0100"), ("2", "1e-05"))
    assert table.numeric == (True, True)
