"""Schedules, against their formulas worked out by hand."""

import math

import numpy as np
import pytest

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
        ("poly(by=batch)", 'by: expected step or epoch, received "batch"'),
    ],
)
def test_options_out_of_range_are_an_error(text, message):
    with pytest.raises(DlcvError) as caught:
        schedule(text)
    assert message in str(caught.value)
