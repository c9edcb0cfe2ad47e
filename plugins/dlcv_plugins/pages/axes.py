"""Axes of charts: what they reach from and to, and where their ticks are."""

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    import numpy as np

MOST_TICKS = 6
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
"""Distances of ticks that people read easily, times a power of ten."""
START_SHARE = 0.25
"""The share of the epochs that are the start of a training."""
PEAK = 4
"""A start whose loss is more than so many times that of all later epochs is left out."""


@attrs.frozen
class Tick:
    """A mark on an axis: its place in the picture, and the number that is written there."""

    place: float
    text: str


@attrs.frozen
class Axis:
    """An axis from one number to another, between two places of the picture.

    Attributes:
        low: The number at its start.
        high: The number at its end, larger.
        start: The place of the start, in units of the picture.
        end: The place of the end.
        is_whole: Whether only whole numbers are marked.
    """

    low: float
    high: float
    start: float
    end: float
    is_whole: bool = False

    def place(self, value: float) -> float:
        """Returns where a number is, to a tenth of the picture's unit."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    @property
    def ticks(self) -> list[Tick]:
        """The marks, at numbers that people read easily."""
        step = _step(self.high - self.low, is_whole=self.is_whole)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        values = [number * step for number in range(first, last + 1)]
        return [Tick(self.place(value), number_text(value)) for value in values]


def reaching(
    values: Iterable[float], start: float, end: float, *, room: float = 0.05, whole: bool = False
) -> Axis:
    """Returns an axis that holds finite numbers, with some room at both ends.

    Args:
        values: The numbers; without any, the axis reaches from 0 to 1.
        start: The place of the start.
        end: The place of the end.
        room: The room, as a share of what lies between the smallest number and the largest.
        whole: Whether only whole numbers are marked.
    """
    finite = [value for value in values if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    space = room * (high - low) if high > low else 0.5 if whole else abs(high) * 0.1 or 0.5
    return Axis(low - space, high + space, start, end, whole)


@attrs.frozen
class Peak:
    """A start that is left out: where the axis ends, and what the start goes up to."""

    end: float
    highest: float


def peak(lines: "Iterable[np.ndarray]") -> Peak | None:
    """Returns where an axis must end for what follows the first epochs to be seen.

    The loss of the first epochs may be many times what follows, which nobody could tell apart
    below it.

    Args:
        lines: Epochs with their values, `(epochs, 2)` float each.

    Returns:
        None where nothing needs to be left out.
    """
    import numpy as np

    points = np.concatenate([np.empty((0, 2)), *lines])
    points = points[np.isfinite(points).all(axis=1)]
    later = points[points[:, 0] > len({*points[:, 0]}) * START_SHARE, 1]
    if len(later) and 0 < PEAK * later.max() < points[:, 1].max():
        return Peak(1.5 * float(later.max()), float(points[:, 1].max()))
    return None


def number_text(value: float) -> str:
    """Returns a number as people write it, with four digits that count: `1,234` and `0.01235`."""
    if not math.isfinite(value):
        return str(value)
    if abs(value) < 1e15 and value == round(value):
        return f"{value:,.0f}"
    return f"{float(f'{value:.4g}'):,}" if abs(value) >= 1e-3 else f"{value:.4g}"


def placed(axis: Axis) -> Callable[[float], float]:
    """Returns what places numbers on an axis, those beyond its ends a little outside."""
    reach = axis.high - axis.low
    return lambda value: axis.place(min(max(value, axis.low - reach), axis.high + reach))


def _step(distance: float, *, is_whole: bool) -> float:
    """Returns the distance of two ticks."""
    power = 10.0 ** math.floor(math.log10(distance / MOST_TICKS))
    step = next(s * power for s in STEPS if distance / (s * power) <= MOST_TICKS)
    return max(1.0, round(step)) if is_whole else step
