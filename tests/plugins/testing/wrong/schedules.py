"""Wrong schedules."""

from collections.abc import Callable

import numpy as np

from dlcv.interfaces import Schedule, plugin


@plugin
class Falling(Schedule):
    """Falls to zero."""

    def learning_rate(self, epoch, epochs, initial):
        return initial * (1 - epoch / epochs)


def schedule(**members):
    """Returns what makes a schedule with something changed."""
    body = {"__doc__": "Is what a test wants.", **members}
    return lambda: plugin(type("Changed", (Falling,), body))()


def rate(function):
    """Returns what makes a schedule whose rate is `function(epoch, epochs, initial)`."""
    return schedule(
        learning_rate=lambda self, epoch, epochs, initial: function(epoch, epochs, initial)
    )


def without_warm_up(self, epochs, steps_per_epoch, initial):
    return Falling(by=self.by).rates(epochs, steps_per_epoch, initial)


def within_an_epoch(self, epochs, steps_per_epoch, initial):
    return Falling(warmup=self.warmup).rates(epochs, steps_per_epoch, initial)


def one_an_epoch(self, epochs, steps_per_epoch, initial):
    return np.full(epochs, initial, np.float32)


USABLE = {"rates_are_usable", ...}
WARM = {"warm_up_rises_to_the_schedule"}
WRONG: dict[str, tuple[Callable, set]] = {
    "not a number": (rate(lambda epoch, epochs, initial: float("nan")), USABLE),
    "negative": (rate(lambda epoch, epochs, initial: initial * (0.5 - epoch / epochs)), USABLE),
    "negative at the end": (
        rate(lambda epoch, epochs, initial: initial if epoch < epochs else -initial),
        USABLE,
    ),
    "negative after 30 epochs": (
        rate(lambda epoch, epochs, initial: initial * (1 - epoch / 31)),
        {"rates_are_usable"},
    ),
    "infinite at the end": (
        rate(lambda epoch, epochs, initial: initial if epoch < epochs else float("inf")),
        USABLE,
    ),
    "a rate an epoch": (schedule(rates=one_an_epoch), USABLE),
    "above the first rate": (
        rate(lambda epoch, epochs, initial: 2 * initial),
        {"first_rate_is_at_most_the_initial_one"},
    ),
    "rates() without warm-up": (schedule(rates=without_warm_up), WARM),
    "rate() without warm-up": (
        schedule(rate=lambda self, epoch, epochs, initial: initial),
        WARM,
    ),
    "other rates within an epoch": (
        schedule(rates=within_an_epoch),
        {"rates_by_epoch_stay_within_an_epoch", ...},
    ),
}
