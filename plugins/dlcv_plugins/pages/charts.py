"""Charts, measured: where lines, bars and their texts are, for `charts.html`, which draws them."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from dlcv.errors import printable
from dlcv.interfaces import Curves
from dlcv_plugins.kinds.drawing import Bars
from dlcv_plugins.pages.axes import Axis, Tick, number_text, peak, placed, reaching

if TYPE_CHECKING:
    import numpy as np

WIDTH, HEIGHT = 460, 280
"""In units of a picture, which are pixels where it is shown in its own size."""
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 16, 40
"""The room for texts around what is drawn."""
WIDE = 940
"""The width of a picture of many bars."""
MANY_BARS = 20
COLORS = 8
"""Lines beyond these repeat colors, dashed."""
MOST_POINTS = 500
"""Of a line; more can't be told apart."""
POINTS_WITH_DOTS = 20
LINES_IN_LEGEND = 20
LETTER = 6.5
"""The width of a letter."""
NARROWEST = 11
"""Bars closer to each other have no names below them."""
LONGEST_LABEL = 16
"""Longer ones are cut, in letters."""


@attrs.frozen
class Line:
    """A line of a chart.

    Attributes:
        name: What it is.
        path: The way of the pen, as SVG has it.
        points: Place from the left and from the top, and both numbers as text, of each point.
        color: Which of the colors, from 0.
        is_dashed: Whether it has the color of another line.
    """

    name: str
    path: str
    points: list[tuple[float, float, str, str]]
    color: int
    is_dashed: bool

    @property
    def dots(self) -> list[tuple[float, float]]:
        """Where its points are marked: where there are few."""
        few = len(self.points) <= POINTS_WITH_DOTS
        return [(x, y) for x, y, _, _ in self.points] if few else []


@attrs.frozen(kw_only=True)
class Chart:
    """What all charts have; places are in units of the picture.

    Attributes:
        title: What it shows.
        x_label: What the horizontal axis is.
        y_label: What the vertical axis is.
        width: Of the picture.
        height: Of the picture.
        y_ticks: The marks of the vertical axis.
        left: Where the axes' area begins.
        right: Where it ends.
        top: Where it begins.
        bottom: Where it ends.
    """

    title: str
    x_label: str
    y_label: str
    width: float = WIDTH
    height: float = HEIGHT
    y_ticks: list[Tick]
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    bottom: float = HEIGHT - BOTTOM


@attrs.frozen(kw_only=True)
class LineChart(Chart):
    """Lines.

    Attributes:
        x_ticks: The marks of the horizontal axis.
        lines: The lines.
        marks: Where dotted vertical lines are.
        named_marks: Where vertical lines with a name are, with it.
        diagonal: The start and end of the line where y is x; empty for none.
        note: What the picture leaves out.
    """

    x_ticks: list[Tick]
    lines: list[Line]
    marks: list[float]
    named_marks: list[Tick]
    diagonal: list[tuple[float, float]]
    note: str

    @property
    def has_legend(self) -> bool:
        """Whether the lines are named beside the picture."""
        return 1 < len(self.lines) <= LINES_IN_LEGEND


@attrs.frozen
class PlacedBar:
    """A bar: its place, the top of its reference line (None for none), and its texts."""

    x: float
    y: float
    reference: float | None
    label: str
    note: str
    details: tuple[str, ...]


@attrs.frozen(kw_only=True)
class BarChart(Chart):
    """Bars.

    Attributes:
        bars: The bars.
        bar_width: The width of each.
        labels: Whether they are named: `upright`, `slanted`, or empty where there is no room.
        reference_label: What the lines across the bars are.
    """

    bars: list[PlacedBar]
    bar_width: float
    labels: str
    reference_label: str


def line_chart(curves: Curves) -> LineChart:
    """Returns where everything is in a chart of lines."""
    points = [(float(x), float(y)) for line in curves.lines.values() for x, y in line]
    x_axis, y_axis, note = _axes(curves, points)
    low, high = max(x_axis.low, y_axis.low), min(x_axis.high, y_axis.high)
    ends = (low, high) if curves.has_diagonal and low < high else ()
    return LineChart(
        title=printable(curves.title),
        x_label=printable(curves.x_label),
        y_label=printable(curves.y_label),
        x_ticks=x_axis.ticks,
        y_ticks=y_axis.ticks,
        lines=[
            _line(number, printable(name), line, x_axis, y_axis)
            for number, (name, line) in enumerate(curves.lines.items())
        ],
        marks=[x_axis.place(x) for x in curves.marks],
        named_marks=[Tick(x_axis.place(x), printable(name)) for x, name in curves.named_marks],
        diagonal=[(x_axis.place(value), y_axis.place(value)) for value in ends],
        note=note,
    )


def bar_chart(bars: Bars) -> BarChart:
    """Returns where everything is in a chart of bars."""
    width = WIDE if len(bars.bars) > MANY_BARS else WIDTH
    pitch = (width - LEFT - RIGHT) / max(1, len(bars.bars))
    texts = [_cut(printable(bar.label)) for bar in bars.bars]
    longest = max(map(len, texts), default=0) * LETTER
    labels = "upright" if longest < pitch else "slanted" if pitch >= NARROWEST else ""
    # Slanted texts go down by two thirds of their length.
    deeper = 0.66 * longest - 8 if labels == "slanted" else 0.0
    bottom = HEIGHT - BOTTOM
    values = [bar.value for bar in bars.bars]
    references = [bar.reference for bar in bars.bars if bar.reference is not None]
    highest = bars.highest or max((*values, *references), default=0.0) * 1.08 or 1.0
    axis = Axis(0.0, highest, bottom, TOP)
    place = placed(axis)
    placed_bars = [
        PlacedBar(
            round(LEFT + (number + 0.1) * pitch, 1),
            place(bar.value),
            None if bar.reference is None else place(bar.reference),
            text,
            printable(bar.note),
            (printable(bar.label), *map(printable, bar.details)),
        )
        for number, (bar, text) in enumerate(zip(bars.bars, texts, strict=True))
    ]
    return BarChart(
        title=printable(bars.title),
        x_label=printable(bars.x_label),
        y_label=printable(bars.y_label),
        width=width,
        height=round(HEIGHT + max(0.0, deeper), 1),
        right=width - RIGHT,
        y_ticks=axis.ticks,
        bars=placed_bars,
        bar_width=round(0.8 * pitch, 1),
        labels=labels,
        reference_label=printable(bars.reference_label),
    )


def _axes(curves: Curves, points: list[tuple[float, float]]) -> tuple[Axis, Axis, str]:
    """Returns both axes, and what they leave out."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    if curves.by_epoch:
        x_axis = reaching(xs, LEFT, right, room=0.02, whole=True)
        limits, note = ys, ""
        if (limit := peak(curves.lines.values())) is not None:
            note = f"the first epochs go up to {number_text(limit.highest)}"
            limits = [0.0, limit.end]
        return x_axis, reaching(limits, bottom, TOP), note
    finite = [value for pair in points if all(map(math.isfinite, pair)) for value in pair]
    if finite and min(finite) >= 0 and max(finite) <= 1:
        # Shares are seen as what they are only between nothing and all.
        return Axis(-0.02, 1.02, LEFT, right), Axis(-0.02, 1.02, bottom, TOP), ""
    return reaching(xs, LEFT, right), reaching(ys, bottom, TOP), ""


def _line(number: int, name: str, line: "np.ndarray", x_axis: Axis, y_axis: Axis) -> Line:
    """Returns a line; it is interrupted where values are no numbers."""
    x_place, y_place = placed(x_axis), placed(y_axis)
    path, points, pen = [], [], "M"
    for x, y in _thinned([(float(x), float(y)) for x, y in line]):
        if not (math.isfinite(x) and math.isfinite(y)):
            pen = "M"
            continue
        left, top = x_place(x), y_place(y)
        path.append(f"{pen}{left:g},{top:g}")
        points.append((left, top, number_text(x), number_text(y)))
        pen = "L"
    return Line(name, "".join(path), points, number % COLORS, number >= COLORS)


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Returns at most `MOST_POINTS` points, evenly chosen, with the first and the last."""
    last = len(points) - 1
    if last < MOST_POINTS:
        return list(points)
    return [points[round(i * last / (MOST_POINTS - 1))] for i in range(MOST_POINTS)]


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}…"
