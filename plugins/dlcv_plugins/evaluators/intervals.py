"""How far a figure may be from what more images would show: 95 % confidence intervals."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

Z = 1.959963984540054
"""The standard normal distribution's 97.5 % quantile."""
RESAMPLES = 1000
NUMBERS = 100_000
"""So many are computed with at once, which a processor's cache holds."""


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


def mean_is_clearly_above(counts: Sequence[tuple[int, int]], share: float) -> bool:
    """Returns whether the mean of independent shares is above a share by more than chance explains.

    Four samples with that share are added to each, so that shares of few samples are not taken for
    certain: for a half, that is the interval of Agresti and Coull (Approximate is better than
    "exact" for interval estimation of binomial proportions, The American Statistician 52, 1998).

    Args:
        counts: How many samples count, and how many there are, at least one, for each share.
        share: What to compare the mean with, from 0 to 1.
    """
    adjusted = [((right + 4 * share) / (samples + 4), samples + 4) for right, samples in counts]
    spread = math.sqrt(sum(p * (1 - p) / samples for p, samples in adjusted))
    return (sum(p for p, _ in adjusted) - Z * spread) / len(counts) > share


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


def paired_difference(differences: "np.ndarray", unit: float) -> tuple[float, float]:
    """Returns the interval of the mean difference of two accuracies on the same samples, -1 to 1.

    It is Bonett and Price's adjusted Wald interval (Adjusted Wald confidence interval for a
    difference of binomial proportions based on paired data, Journal of Educational and Behavioral
    Statistics 37, 2012): two samples are added, one that counts for each side, so that it also
    holds for few samples, and where hardly any differ.

    Args:
        differences: `(samples,)` float, by how much the first is better on each sample, -1 to 1.
        unit: The smallest difference of a sample: 1 where both predict a single class.
    """
    import numpy as np

    samples = len(differences) + 2
    middle = float(differences.sum()) / samples
    square = (float(np.square(differences).sum()) + 2 * unit**2) / samples
    spread = Z * math.sqrt((square - middle**2) / samples)
    mean = float(differences.mean())
    return max(-1.0, min(middle - spread, mean)), min(1.0, max(middle + spread, mean))


def bootstrap(
    statistics: "Callable[[np.ndarray], np.ndarray]", values: Sequence[float], samples: int
) -> list[tuple[float, float]]:
    """Returns intervals of figures from what they would be on samples drawn with replacement.

    It is the expanded percentile method, which is as wide for few samples as Student's interval
    (Hesterberg, What teachers should know about the bootstrap, The American Statistician 69,
    2015), with a fixed seed, so that the same predictions have the same intervals.

    Args:
        statistics: Gives the figures, `(draws, figures)`, for `(draws, samples)` int64, how often
            each sample was drawn; a figure that is not defined for these is nan.
        values: The figures of all samples, which lie in their intervals.
        samples: How many there are.
    """
    import numpy as np
    from scipy.special import ndtr, stdtrit

    rng = np.random.default_rng(0)
    # Together with the figures themselves, no column is without a number.
    found = [np.array([values])]
    at_once = max(1, NUMBERS // samples)
    for start in range(0, RESAMPLES, at_once):
        draws = min(at_once, RESAMPLES - start)
        places = rng.integers(0, samples, (draws, samples)) + samples * np.arange(draws)[:, None]
        counts = np.bincount(places.ravel(), minlength=draws * samples)
        found.append(statistics(counts.reshape(draws, samples)))
    freedom = max(1, samples - 1)
    tail = ndtr(stdtrit(freedom, 0.025) * math.sqrt((freedom + 1) / freedom))
    lows, highs = np.nanquantile(np.concatenate(found), [tail, 1 - tail], axis=0)
    return [
        (min(float(low), value), max(float(high), value))
        for low, high, value in zip(lows, highs, values, strict=True)
    ]
