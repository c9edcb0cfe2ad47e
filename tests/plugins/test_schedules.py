"""Schedules, against their formulas worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcv import registry
from dlcv.errors import DlcvError


def schedule(text):
    return registry.create("schedule", text)


@pytest.mark.parametrize(
    ("text", "epoch", "epochs", "initial", "expected"),
    [
        ("constant", 0, 10, 0.1, 0.1),
        ("constant", 9.5, 10, 0.1, 0.1),
        # The Practitioner Bundle's figure: 70 epochs from 5e-3.
        ("poly", 0, 70, 5e-3, 5e-3),
        ("poly", 35, 70, 5e-3, 2.5e-3),
        ("poly", 70, 70, 5e-3, 0),
        ("poly(power=2)", 35, 70, 5e-3, 1.25e-3),
        ("poly(power=3)", 14, 70, 5e-3, 5e-3 * 0.512),
        ("poly(power=0.5)", 52.5, 70, 5e-3, 2.5e-3),
        ("cosine", 0, 8, 0.4, 0.4),
        ("cosine", 2, 8, 0.4, 0.2 * (1 + math.sqrt(0.5))),
        ("cosine", 4, 8, 0.4, 0.2),
        ("cosine", 8, 8, 0.4, 0),
        ("cosine(floor=0.25)", 0, 8, 0.4, 0.4),
        ("cosine(floor=0.25)", 4, 8, 0.4, 0.25),
        ("cosine(floor=0.25)", 8, 8, 0.4, 0.1),
        ("cosine(floor=1)", 7, 8, 0.4, 0.4),
        ("linear", 5, 20, 0.1, 0.075),
        ("linear(to=0.02)", 10, 20, 0.1, 0.06),
        ("linear(to=0.02, until=5)", 2.5, 20, 0.1, 0.06),
        ("linear(to=0.02, until=5)", 19, 20, 0.1, 0.02),
        ("linear(to=0.3)", 10, 20, 0.1, 0.2),
        # The rates of a Tiny ImageNet experiment of the Practitioner Bundle.
        ("step(at=(25, 35))", 24.99, 65, 1e-2, 1e-2),
        ("step(at=(25, 35))", 25, 65, 1e-2, 1e-3),
        ("step(at=(25, 35))", 65, 65, 1e-2, 1e-4),
        ("exponential(factor=0.5)", 3, 10, 0.8, 0.1),
        ("exponential(factor=0.25)", 0.5, 10, 0.8, 0.4),
        ("time_based", 40, 40, 0.01, 0.01 / 1.01),
        ("time_based(steps_per_epoch=100)", 40, 40, 0.01, 0.01 / 2),
        ("time_based(decay=0.1, steps_per_epoch=5)", 2, 40, 0.8, 0.4),
        ("cyclic(cycles=4)", 0, 8, 0.4, 0.4),
        ("cyclic(cycles=4)", 1, 8, 0.4, 0.2),
        ("cyclic(cycles=4)", 2, 8, 0.4, 0.4),
        ("cyclic(cycles=4)", 8, 8, 0.4, 0),
        ("cyclic(cycles=4, floor=0.25)", 8, 8, 0.4, 0.1),
        ("one_cycle", 0, 10, 0.1, 0.004),
        ("one_cycle", 3, 10, 0.1, 0.1),
        ("one_cycle", 10, 10, 0.1, 4e-7),
        ("one_cycle(peak=0.5, start_divisor=2)", 2.5, 10, 0.1, 0.075),
        ("one_cycle(peak=0.5, end_divisor=2)", 7.5, 10, 0.1, 0.075),
    ],
)
def test_rates_follow_the_formula(text, epoch, epochs, initial, expected):
    rate = schedule(text).learning_rate(epoch, epochs, initial)
    assert rate == pytest.approx(expected, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Two epochs of four steps; by step the rate is that of the epochs done before the step.
        ("poly", [8, 7, 6, 5, 4, 3, 2, 1]),
        ("poly(by=epoch)", [8, 8, 8, 8, 4, 4, 4, 4]),
        ("poly(by=epoch, power=2)", [8, 8, 8, 8, 2, 2, 2, 2]),
        ("constant", [8] * 8),
        # Warming up over n steps begins with 1/n, and multiplies what the schedule says.
        ("constant(warmup=1)", [2, 4, 6, 8, 8, 8, 8, 8]),
        ("constant(warmup=0.5)", [4, 8, 8, 8, 8, 8, 8, 8]),
        ("constant(warmup=4)", [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4]),
        ("poly(warmup=1)", [8 / 4, 7 / 2, 6 * 3 / 4, 5, 4, 3, 2, 1]),
        ("constant(warmup=0.1)", [8] * 8),
    ],
)
def test_every_step_has_its_rate(text, expected):
    rates = schedule(text).rates(2, 4, 8.0)
    np.testing.assert_allclose(rates, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "decay"),
    [
        ("exponential(factor=0.7)", lambda s: s.ExponentialDecay(0.1, 5, 0.7)),
        ("poly(power=2)", lambda s: s.PolynomialDecay(0.1, 30, 0.0, 2)),
        ("linear(to=0.01)", lambda s: s.PolynomialDecay(0.1, 30, 0.01)),
        ("cosine(floor=0.1)", lambda s: s.CosineDecay(0.1, 30, 0.1)),
        ("cyclic(cycles=3)", lambda s: s.CosineDecayRestarts(0.1, 10, 1.0)),
        # Keras's boundaries belong to the step before the drop.
        ("step(at=(2, 5))", lambda s: s.PiecewiseConstantDecay([9, 24], [0.1, 0.01, 0.001])),
        ("time_based(decay=0.02)", lambda s: s.InverseTimeDecay(0.1, 1, 0.02)),
        ("time_based", lambda s: s.InverseTimeDecay(0.1, 1, 0.1 / 6)),
    ],
)
def test_rates_are_those_of_keras(text, decay):
    import keras

    theirs = decay(keras.optimizers.schedules)
    expected = [float(theirs(step)) for step in range(30)]
    np.testing.assert_allclose(schedule(text).rates(6, 5, 0.1), expected, rtol=2e-5, atol=1e-8)


def test_interpolated_rates_are_those_of_the_tutorial():
    # Its table is numpy.linspace over 20 epochs, the first and the last included.
    rates = schedule("linear(to=0.000001, until=19, by=epoch)").rates(20, 3, 0.0005)
    np.testing.assert_allclose(rates[::3], np.linspace(0.0005, 0.000001, 20), rtol=1e-6)


@pytest.mark.parametrize("steps_per_epoch", [3, 7, 49, 391])
def test_drops_come_with_the_first_step_of_their_epoch(steps_per_epoch):
    rates = schedule("step(at=(25, 35))").rates(65, steps_per_epoch, 1.0)
    assert list(np.flatnonzero(np.diff(rates)) + 1) == [25 * steps_per_epoch, 35 * steps_per_epoch]


@pytest.mark.parametrize("epoch", [-0.5, 10.1, 80])
def test_an_epoch_outside_the_stage_is_an_error(epoch):
    with pytest.raises(DlcvError, match=f"epoch {epoch:g} is outside a stage of 0 to 10 epochs"):
        schedule("poly(power=0.5)").rate(epoch, 10, 0.1)


@pytest.mark.parametrize(
    ("text", "epoch", "expected"),
    [
        ("poly", 5, 0.05),
        # Half of a warm-up over 4 epochs, on what the line says.
        ("poly(warmup=4)", 2, 0.1 * 0.8 / 2),
        ("poly(warmup=4)", 5, 0.05),
        ("constant(warmup=4)", 0, 0),
        # Within the fourth epoch the rate is that of its start, and of the last at the end.
        ("poly(by=epoch)", 3.7, 0.07),
        ("poly(by=epoch)", 10, 0.01),
        ("constant(by=epoch, warmup=4)", 1.5, 0.05),
    ],
)
def test_rate_at_an_epoch_is_that_of_the_training(text, epoch, expected):
    assert schedule(text).rate(epoch, 10, 0.1) == pytest.approx(expected)
    last = schedule(text).rates(10, 1000, 0.1)[min(int(epoch * 1000), 9999)]
    assert last == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("cycles", "epochs", "steps_per_epoch"), [(5, 1, 5), (3, 7, 3), (7, 5, 7)])
def test_every_cycle_begins_with_the_full_rate(cycles, epochs, steps_per_epoch):
    """A cycle's length in epochs is often no number that floats can hold, such as 0.2."""
    rates = schedule(f"cyclic(cycles={cycles})").rates(epochs, steps_per_epoch, 0.5)
    length = epochs * steps_per_epoch // cycles

    np.testing.assert_allclose(rates[::length], 0.5)
    np.testing.assert_allclose(rates, np.tile(rates[:length], cycles), rtol=1e-5)


@pytest.mark.parametrize(
    ("text", "epochs", "expected"),
    [
        ("cyclic(cycles=3)", 30, (10, 20, 30)),
        # Cycles of 3 1/3 epochs: the rate is back at its start in the middle of the next epoch.
        ("cyclic(cycles=3)", 10, (3, 6, 10)),
        ("cyclic(cycles=4)", 3, (1, 2, 3)),
        ("cyclic(cycles=1, by=epoch)", 5, (5,)),
        ("cosine", 30, ()),
        ("one_cycle", 30, ()),
    ],
)
def test_cycles_end_after_whole_epochs(text, epochs, expected):
    assert schedule(text).cycle_ends(epochs) == expected


@given(cycles=st.integers(1, 12), epochs=st.integers(1, 40))
def test_a_cycle_ends_with_the_epoch_of_its_lowest_rate(cycles, epochs):
    ends = schedule(f"cyclic(cycles={cycles})").cycle_ends(epochs)
    at_end = [min(e * cycles / epochs - i, 1) for i, e in enumerate(ends)]

    assert len(ends) == min(cycles, epochs)
    if epochs >= cycles:
        # What is left of the cycle is less than an epoch, and it has not begun anew.
        assert all(1 - cycles / epochs < share <= 1 + 1e-9 for share in at_end)


@pytest.mark.parametrize("name", ["poly", "cosine", "constant"])
@pytest.mark.parametrize("options", ["", "(warmup=1)", "(by=epoch)"])
def test_rates_are_float32_one_a_step_and_never_zero(name, options):
    rates = schedule(name + options).rates(3, 5, 0.01)
    assert rates.dtype == np.float32
    assert rates.shape == (15,)
    assert rates.min() > 0
    assert rates.max() <= np.float32(0.01)


@pytest.mark.parametrize("name", ["poly", "cosine"])
def test_a_decay_never_rises_after_its_warmup(name):
    rates = schedule(f"{name}(warmup=2)").rates(20, 10, 0.1)
    assert rates.argmax() in (18, 19, 20)
    assert (np.diff(rates[20:]) < 0).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("poly(power=0)", "power: expected float > 0, received 0"),
        ("cosine(floor=1.5)", "floor: expected float >= 0, <= 1, received 1.5"),
        ("constant(warmup=-1)", "warmup: expected float >= 0, received -1"),
        ("step(at=(5, 3))", "step: at: the epochs (5.0, 3.0) are not in rising order"),
        ("step(at=5, factor=2)", "factor: expected float > 0, <= 1, received 2"),
        ("one_cycle(peak=1)", "peak: expected float > 0, < 1, received 1"),
        ("cyclic(cycles=0)", "cycles: expected int >= 1, received 0"),
        ("poly(by=batch)", 'by: expected step or epoch, received "batch"'),
    ],
)
def test_options_out_of_range_are_an_error(text, message):
    with pytest.raises(DlcvError) as caught:
        schedule(text)
    assert message in str(caught.value)
