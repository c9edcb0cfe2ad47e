"""Charts: where their lines, bars and ticks are."""

import numpy as np
import pytest

from dlcv.interfaces import Bar, Bars, Curves, Matrix
from dlcv_plugins.pages.axes import Axis, number_text, reaching
from dlcv_plugins.pages.charts import MOST_POINTS, bar_chart, line_chart
from dlcv_plugins.pages.matrices import MOST_CELLS, shown_matrix


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (0.41, 1.29, ["0.6", "0.8", "1", "1.2"]),
        (-3, 12_000, ["0", "2,500", "5,000", "7,500", "10,000"]),
        (0.0001, 0.00031, ["0.0001", "0.00015", "0.0002", "0.00025", "0.0003"]),
    ],
)
def test_ticks_are_at_round_numbers(low, high, expected):
    ticks = Axis(low, high, 0, 100).ticks
    assert [tick.text for tick in ticks] == expected
    assert all(0 <= tick.place <= 100 for tick in ticks)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 40, 333])
def test_ticks_of_epochs_are_whole(count):
    ticks = reaching([1, count], 0, 100, whole=True).ticks
    assert 1 <= len(ticks) <= 7
    assert all(float(tick.text) == round(float(tick.text)) for tick in ticks)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234567, "1,234,567"), (0.123456, "0.1235"), (1e-5, "1e-05"), (np.nan, "nan"), (-2.0, "-2")],
)
def test_numbers_have_four_digits_that_count(value, text):
    assert number_text(value) == text


def test_points_are_where_their_numbers_are():
    line = np.array([(0, 0), (0.5, 1), (1, np.nan), (0.75, 0.5)])
    chart = line_chart(Curves("ROC", "x", "y", {"a": line}, has_diagonal=True))
    (drawn,) = chart.lines
    places = [(x, y) for x, y, _, _ in drawn.points]
    ticks = {tick.text: tick.place for tick in chart.x_ticks}
    assert places[0] == (ticks["0"], chart.y_ticks[0].place)
    assert [[x, y] for _, _, x, y in drawn.points] == [["0", "0"], ["0.5", "1"], ["0.75", "0.5"]]
    # What is no number interrupts the line.
    assert drawn.path.count("M") == 2
    assert chart.diagonal[0] == (chart.left, chart.bottom)


def test_a_peak_of_the_first_epochs_is_left_out_with_a_note():
    line = np.array([*enumerate([900, 1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4], start=1)])
    chart = line_chart(Curves("Loss", "epoch", "loss", {"a": line}, by_epoch=True))
    assert chart.note == "the first epochs go up to 900"
    assert float(chart.y_ticks[-1].text) < 2


def test_long_lines_keep_their_ends():
    line = np.stack([np.arange(10_000), np.arange(10_000)], axis=1)
    (drawn,) = line_chart(Curves("", "x", "y", {"a": line})).lines
    assert len(drawn.points) == MOST_POINTS
    assert [drawn.points[0][2], drawn.points[-1][2]] == ["0", "9,999"]


def test_nothing_is_drawn_of_nothing():
    assert line_chart(Curves("", "x", "y", {})).lines == []
    assert line_chart(Curves("", "x", "y", {"a": np.full((3, 2), np.nan)})).lines[0].points == []
    assert bar_chart(Bars("", "x", "y", ())).bars == []


def test_bars_are_as_high_as_their_values():
    bars = (Bar("a", 50.0, "7", reference=100.0, details=("half",)), Bar("b", 0.0))
    chart = bar_chart(Bars("", "x", "y", bars, highest=100.0))
    first, second = chart.bars
    assert (first.y, first.reference) == ((chart.top + chart.bottom) / 2, chart.top)
    assert (second.y, second.reference) == (chart.bottom, None)
    assert first.details == ("a", "half")
    assert chart.labels == "upright"
    assert bar_chart(Bars("", "x", "y", (Bar("a" * 80, 1.0),) * 20)).labels == "slanted"
    assert bar_chart(Bars("", "x", "y", (Bar("a" * 80, 1.0),) * 200)).labels == ""


def test_cells_are_tinted_by_the_share_of_their_row():
    matrix = Matrix("", "true", "predicted", ("a", "b"), np.array([[3, 1], [0, 0]]))
    rows = shown_matrix(matrix, frozenset({(0, 1)})).rows
    assert [[cell.text for cell in row] for row in rows] == [["3", "1"], ["", ""]]
    assert [cell.tint for cell in rows[0]] == [round(0.75**0.5, 2), 0.5]
    assert [cell.opens for cell in rows[0]] == [False, True]


def test_of_many_classes_the_strongest_cells_are_shown():
    values = np.arange(100 * 100).reshape(100, 100)
    shown = shown_matrix(Matrix("", "true", "predicted", tuple(map(str, range(100))), values))
    cells = [int(cell.text.replace(",", "")) for row in shown.rows for cell in row]
    assert sorted(cells) == [*range(10_000 - MOST_CELLS, 10_000)]
    assert shown.left_out == 10_000 - 1 - MOST_CELLS
    assert shown.size == "dense"
