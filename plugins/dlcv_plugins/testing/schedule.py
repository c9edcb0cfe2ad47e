"""Checks of schedules.

PYTEST_DONT_REWRITE: what fails is told in whole sentences.
"""

from dlcv.interfaces import Plugin, Schedule, evolve
from dlcv.testing import Check

INITIAL = 0.1
STEPS = 7
"""Steps an epoch."""
LENGTHS = (1, 2, 30, 100, 300)
"""Epochs of the stages that are tried."""


def checks(cls: type[Plugin]) -> tuple[Check, ...]:
    """Returns the checks for schedules."""
    return (
        check_rates_are_usable,
        check_first_rate_is_at_most_the_initial_one,
        check_warm_up_rises_to_the_schedule,
        check_rates_by_epoch_stay_within_an_epoch,
        check_cycles_end_within_the_stage,
    )


def check_rates_are_usable(schedule: Schedule) -> None:
    """Rates are finite and not negative, for one epoch and for many."""
    import numpy as np

    for epochs in LENGTHS:
        rates = schedule.rates(epochs, STEPS, INITIAL)
        assert rates.shape == (epochs * STEPS,), (
            f"{epochs} epochs of {STEPS} steps have rates of shape {rates.shape}"
        )
        wrong = rates[~(np.isfinite(rates) & (rates >= 0))]
        assert not len(wrong), f"a rate over {epochs} epochs is {wrong[0]}"
        last = schedule.learning_rate(epochs, epochs, INITIAL)
        assert 0 <= last < np.inf, f"the rate after {epochs} epochs is {last}"


def check_first_rate_is_at_most_the_initial_one(schedule: Schedule) -> None:
    """The optimizer's learning rate is where a schedule starts, or what it rises to."""
    first = schedule.learning_rate(0.0, 10, INITIAL)
    assert 0 <= first <= INITIAL * (1 + 1e-6), (
        f"the first rate is {first}, beyond the optimizer's {INITIAL}"
    )


def check_warm_up_rises_to_the_schedule(schedule: Schedule) -> None:
    """Warm-up multiplies the schedule: by 1/n in the first of n steps, and no more after them.

    With `by=epoch` it rises with the epochs: by 1/2 in the first of 2.
    """
    import numpy as np

    for by, changes in (("step", STEPS), ("epoch", 1)):
        plain = evolve(schedule, warmup=0.0, by=by)
        warm = evolve(schedule, warmup=2.0, by=by)
        risen = np.minimum(1.0, np.arange(1, 5 * changes + 1) / (2 * changes))
        expected = plain.rates(5, STEPS, INITIAL) * np.repeat(risen, STEPS // changes)
        rates = warm.rates(5, STEPS, INITIAL)
        assert np.allclose(rates, expected, rtol=1e-5), (
            f"with by={by} and a warm-up over 2 epochs the first rates are {rates[:3]}, "
            f"not {expected[:3]}; leave the warm-up to the base class"
        )
        ready, warm = (each.with_steps_per_epoch(STEPS) for each in (plain, warm))
        for epoch in (0.5, 1.0, 3.0):
            factor = min(1.0, (epoch if by == "step" else epoch // 1 + 1) / 2)
            found, rate = warm.rate(epoch, 5, INITIAL), ready.rate(epoch, 5, INITIAL)
            assert np.isclose(found, rate * factor, rtol=1e-5), (
                f"rate() of epoch {epoch} is {found} with a warm-up over 2 epochs and by={by}, "
                f"not {rate * factor}; leave rate() to the base class"
            )


def check_rates_by_epoch_stay_within_an_epoch(schedule: Schedule) -> None:
    """With `by=epoch` all steps of an epoch have the rate of its start."""
    import numpy as np

    rates = evolve(schedule, warmup=0.0, by="epoch").rates(5, STEPS, INITIAL).reshape(5, STEPS)
    fitted = schedule.with_steps_per_epoch(STEPS)
    starts = [fitted.learning_rate(float(epoch), 5, INITIAL) for epoch in range(5)]
    assert np.allclose(rates, np.array(starts)[:, np.newaxis], rtol=1e-5), (
        f"with by=epoch the rates of the first epochs are {rates[:2]}, not {starts[:2]}"
    )


def check_cycles_end_within_the_stage(schedule: Schedule) -> None:
    """Cycles end after epochs of the stage, one after the other."""
    for epochs in LENGTHS:
        ends = schedule.cycle_ends(epochs)
        assert list(ends) == sorted({*ends} & {*range(1, epochs + 1)}), (
            f"the cycles of {epochs} epochs end after the epochs {ends}"
        )
