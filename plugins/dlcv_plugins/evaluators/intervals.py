"""How far a figure may be from what more images would show: 95 % confidence intervals."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

Z = 1.959963984540054
"""The standard normal distribution's 97.5 % quantile."""
RESAMPLES = 1000


def wilson(right: int, samples: int) -> tuple[float, float]:
    """Returns the interval of a share, from 0 to 1, by Wilson's score method (1927).

    It holds for few samples, too, and for shares of nothing and all.

    Args:
        right: How many samples count.
        samples: How many there are, at least one.
    """
    share = right / samples
    spread = Z * math.sqrt(share * (1 - share) / samples + (Z / (2 * samples)) ** 2)
    middle = share + Z**2 / (2 * samples)
    low, high = ((middle + side * spread) / (1 + Z**2 / samples) for side in (-1, 1))
    # The interval touches 0 and 1 exactly, which rounding may miss.
    return (max(0.0, min(low, share)), min(1.0, max(high, share)))


def is_clearly_above(right: int, samples: int, share: float) -> bool:
    """Returns whether an accuracy is above a share by more than chance explains.

    That is where its Wilson interval lies above the share: one test, for every place that asks.

    Args:
        right: How many samples are predicted correctly.
        samples: How many there are, at least one.
        share: What to compare with, from 0 to 1, such as the accuracy of guessing.
    """
    return wilson(right, samples)[0] > share


def difference(first: tuple[int, int], second: tuple[int, int]) -> tuple[float, float]:
    """Returns the interval of the difference of two independent shares, from -1 to 1.

    It is made of both Wilson intervals, by Newcombe's method 10 (Interval estimation for the
    difference between independent proportions, Statistics in Medicine 17, 1998).

    Args:
        first: How many samples count, and how many there are.
        second: Likewise; it is subtracted from the first.
    """
    (p, q) = (right / samples for right, samples in (first, second))
    (low_p, high_p), (low_q, high_q) = wilson(*first), wilson(*second)
    return p - q - math.hypot(p - low_p, high_q - q), p - q + math.hypot(high_p - p, q - low_q)


def bootstrap(
    statistics: "Callable[[np.ndarray], Sequence[float]]", values: Sequence[float], samples: int
) -> list[tuple[float, float]]:
    """Returns intervals of figures from what they would be on samples drawn with replacement.

    It is Efron's percentile method with a fixed seed, so that the same predictions have the same
    intervals.

    Args:
        statistics: Gives the figures for `(samples,)` int64, how often each sample was drawn;
            a figure that is not defined for these is nan.
        values: The figures of all samples, which lie in their intervals.
        samples: How many there are.
    """
    import numpy as np

    rng = np.random.default_rng(0)
    drawn = [
        statistics(np.bincount(rng.integers(0, samples, samples), minlength=samples))
        for _ in range(RESAMPLES)
    ]
    # Together with the figures themselves, no column is without a number.
    lows, highs = np.nanpercentile([values, *drawn], [2.5, 97.5], axis=0)
    return [
        (min(float(low), value), max(float(high), value))
        for low, high, value in zip(lows, highs, values, strict=True)
    ]
