"""What losses say about learning rates: which is the largest that can be used."""

import itertools
import math
from collections.abc import Sequence

import attrs
import numpy as np

from dlcv.errors import DlcvError

TOLERANCE = 0.02
"""What counts as no change of a loss, as a share of the loss of an even guess."""
VERY_HIGH = 2.0
"""A training loss beyond this many times that of an even guess is very high."""
VERY_HIGH_VALIDATION = 5.0
"""So is a validation loss beyond this many times it.

With moving averages, which are far behind in a short training, it may be high for a while: with
minivggnet on 648 flowers 2.3 times for the rate that then trained best, and 83 times for a rate ten
times as high.
"""
DIVISOR = 10.0
"""What the rate is divided by from one try to the next."""
WINDOW = 0.1
"""The share of a range test's steps that a loss is smoothed over."""
BELOW_LOWEST = 3.0
"""How far below the rate of the lowest loss the suggestion of a range test is."""
AT_END = 0.95
"""Where the lowest loss lies in a range test that did not go far enough, as a share of its way."""


@attrs.frozen
class Try:
    """A short training with one learning rate.

    Attributes:
        rate: The learning rate.
        losses: The mean training loss of each epoch that was finished, or not finite any more.
        val_losses: The validation loss after each of them.
        refusal: Why the rate can't be used; empty if it can.
    """

    rate: float
    losses: tuple[float, ...]
    val_losses: tuple[float, ...]
    refusal: str


@attrs.frozen
class StepSearch:
    """A search for the largest rate whose loss falls steadily, dividing by 10 from try to try.

    Attributes:
        even_guess: The loss of giving each class the same probability.
        tries: What was tried, the largest rate first; one that was stopped is left out.
        stopped_by: The number of the signal that stopped the search, 0 if none did.
    """

    even_guess: float
    tries: tuple[Try, ...]
    stopped_by: int = 0

    @property
    def suggestion(self) -> float | None:
        """The largest rate that can be used; None if none was found."""
        return next((t.rate for t in self.tries if not t.refusal), None)

    @property
    def learns(self) -> bool:
        """Whether some rate brought the loss below that of an even guess, if only for a while."""
        finite = [loss for t in self.tries for loss in t.losses if math.isfinite(loss)]
        return min(finite, default=math.inf) < (1 - TOLERANCE) * self.even_guess

    @property
    def learns_by_heart(self) -> bool:
        """Whether the suggested rate brings no validation loss below that of an even guess."""
        found = next((t for t in self.tries if not t.refusal), None)
        return found is not None and not any(
            loss < (1 - TOLERANCE) * self.even_guess for loss in found.val_losses
        )

    @property
    def is_still_too_high(self) -> bool:
        """Whether the loss rises or is no number even at the lowest rate that was tried."""
        return bool(self.tries and first_rise(self.tries[-1].losses, self.even_guess))


@attrs.frozen
class RangeTest:
    """A training while the rate rises exponentially from step to step (Smith 2017).

    Attributes:
        even_guess: The loss of giving each class the same probability.
        rates: The learning rate of each step.
        losses: The loss of each step's batch; the last may be no number.
        diverged: Whether the test ended because the loss rose, before the highest rate.
        stopped_by: The number of the signal that stopped the test, 0 if none did.
    """

    even_guess: float
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    diverged: bool
    stopped_by: int = 0

    @property
    def smoothed(self) -> np.ndarray:
        """The losses, each the mean of those around it, `(steps,)` or fewer: the finite ones."""
        finite = list(itertools.takewhile(math.isfinite, self.losses))
        return smooth(finite, max(1, round(WINDOW * len(finite))))

    @property
    def lowest(self) -> int | None:
        """The step with the lowest smoothed loss; None if the loss never falls.

        A loss that only comes down to an even guess's, from the random one of initial weights, has
        not fallen: nothing was learned.
        """
        smoothed = self.smoothed
        if not len(smoothed):
            return None
        step = int(np.argmin(smoothed))
        falls = smoothed[step] < min(smoothed[0], self.even_guess) - TOLERANCE * self.even_guess
        return step if falls else None

    @property
    def suggestion(self) -> float | None:
        """A third of the rate at which the loss is lowest, with two digits; None if it never falls.

        At its lowest the loss is about to rise again, so that rate itself is too high.
        """
        if self.lowest is None:
            return None
        return float(f"{max(self.rates[self.lowest] / BELOW_LOWEST, self.rates[0]):.2g}")

    @property
    def went_far_enough(self) -> bool:
        """Whether the loss rises again, so that the highest rate does not decide."""
        return self.lowest is None or self.lowest < AT_END * (len(self.rates) - 1)


def tried_rates(highest: float, lowest: float) -> list[float]:
    """Returns the highest rate, a tenth of it, and so on, as long as they are not below the lowest.

    Raises:
        DlcvError: the rates are not positive, or upside down.
    """
    check_range(highest, lowest)
    count = math.floor(math.log(highest / lowest, DIVISOR) + 1e-9) + 1
    return [float(f"{highest / DIVISOR**i:.6g}") for i in range(count)]


def check_range(highest: float, lowest: float) -> None:
    """Raises a `DlcvError` if two rates are not positive and finite, or upside down."""
    for name, rate in (("highest", highest), ("lowest", lowest)):
        if not 0 < rate < math.inf:
            raise DlcvError(f"{name}: expected a learning rate > 0, received {rate:g}")
    if highest < lowest:
        raise DlcvError(
            f"the highest rate, {highest:g}, is below the lowest, {lowest:g}; swap them"
        )


def refusal(losses: Sequence[float], val_losses: Sequence[float], even_guess: float) -> str:
    """Returns why a rate can't be used, from a short training; empty if it can.

    The loss must fall steadily: no epoch may end more than `TOLERANCE` above the best epoch before
    it, and the last must be at least `TOLERANCE` below the first, or near zero, and below an even
    guess; `TOLERANCE` is a share of an even guess's loss. The validation loss must not be very
    high: more than `VERY_HIGH_VALIDATION` times an even guess's in each epoch of the second half.

    Args:
        losses: The mean training loss of each epoch.
        val_losses: The validation loss after each epoch.
        even_guess: The loss of giving each class the same probability.
    """
    if reason := first_rise(losses, even_guess):
        return reason
    little = TOLERANCE * even_guess
    last = losses[-1]
    if last > even_guess - little:
        return f"the loss stays at {last:.3g}, and an even guess has {even_guess:.3g}"
    if len(losses) > 1 and last > max(losses[0] - little, little):
        return f"the loss hardly falls: from {losses[0]:.3g} to {last:.3g}"
    best = min(v if math.isfinite(v) else math.inf for v in val_losses[len(val_losses) // 2 :])
    if best > VERY_HIGH_VALIDATION * even_guess:
        return (
            f"the validation loss is very high: {best:.3g}, and an even guess has {even_guess:.3g}"
        )
    return ""


def first_rise(losses: Sequence[float], even_guess: float) -> str:
    """Returns where a loss first rises or is no number, in words; empty if nowhere."""
    for epoch, loss in enumerate(losses, 1):
        if not math.isfinite(loss):
            return f"the loss is no number in epoch {epoch}"
        best = min(losses[:epoch])
        if loss > best + TOLERANCE * even_guess:
            return f"the loss rises in epoch {epoch}: from {best:.3g} to {loss:.3g}"
    return ""


def diverges(losses: Sequence[float], even_guess: float) -> bool:
    """Returns whether a range test may end: the mean of its last losses is very high.

    It is compared with an even guess, or with the first losses, if those are higher.
    """
    if not math.isfinite(losses[-1]):
        return True
    count = 5
    start = max(even_guess, float(np.mean(losses[:count])))
    return len(losses) > count and float(np.mean(losses[-count:])) > VERY_HIGH * start


def smooth(values: Sequence[float], window: int) -> np.ndarray:
    """Returns the mean of each value and its neighbours, `(N,)`; a straight line stays as it is.

    Args:
        values: The values.
        window: How many neighbours there are at most; near the ends fewer, as many on both sides.
    """
    last = len(values) - 1
    sums = np.concatenate(([0.0], np.cumsum(values, dtype=np.float64)))
    at = np.arange(len(values))
    sides = np.minimum(np.minimum(at, last - at), window // 2)
    return (sums[at + sides + 1] - sums[at - sides]) / (2 * sides + 1)
