"""What losses say about learning rates, on made-up curves."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcv.errors import DlcvError
from dlcv_plugins.commands.lr_search.command import _suggestion
from dlcv_plugins.commands.lr_search.results import (
    RangeTest,
    StepSearch,
    Try,
    diverges,
    refusal,
    smooth,
    tried_rates,
)

EVEN = 100.0  # The loss of an even guess; so the tolerance is 2, and very high is above 200,
# or 500 in validation.


@pytest.mark.parametrize(
    ("losses", "val_losses", "reason"),
    [
        ([90, 70, 50], [95, 80, 60], ""),
        ([98], [100], ""),
        ([98.1], [100], "the loss stays at 98.1, and an even guess has 100"),
        ([150, 130, 120], [100] * 3, "the loss stays at 120, and an even guess has 100"),
        # It may rise by 2 above the best epoch so far, and no more.
        ([90, 50, 52, 50], [60] * 4, ""),
        ([90, 50, 52.1, 50], [60] * 4, "the loss rises in epoch 3: from 50 to 52.1"),
        ([90, 50, 51, 52.5], [60] * 4, "the loss rises in epoch 4: from 50 to 52.5"),
        # It must have fallen by 2 since the first epoch, unless it is near zero.
        ([70, 69, 68], [60] * 3, ""),
        ([70, 69, 68.1], [60] * 3, "the loss hardly falls: from 70 to 68.1"),
        ([2, 1.9, 2], [60] * 3, ""),
        ([2.2, 2.1, 2.1], [60] * 3, "the loss hardly falls: from 2.2 to 2.1"),
        ([math.nan], [math.nan], "the loss is no number in epoch 1"),
        ([90, math.inf], [80, 80], "the loss is no number in epoch 2"),
        # Only the second half of the epochs counts: averages of batch normalization come late.
        ([90, 70, 50, 40], [9e9, 9e9, 500, 999], ""),
        ([90, 70, 50, 40], [90, 90, 501, 999], "the validation loss is very high: 501, and an"),
        ([90, 70], [90, math.nan], "the validation loss is very high: inf, and an even guess has"),
    ],
)
def test_rate_is_refused_unless_its_loss_falls_steadily(losses, val_losses, reason):
    found = refusal(losses, val_losses, EVEN)

    assert found.startswith(reason)
    assert bool(found) == bool(reason)


@given(st.lists(st.floats(3, 98), min_size=2, max_size=5, unique=True))
def test_verdict_follows_from_the_order_of_losses(losses):
    falling = sorted(losses, reverse=True)
    assert (refusal(falling, falling, EVEN) == "") == (falling[-1] <= falling[0] - 2)
    assert ("rises" in refusal(falling[::-1], falling, EVEN)) == (falling[0] > falling[-1] + 2)


@pytest.mark.parametrize(
    ("highest", "lowest", "rates"),
    [
        (0.1, 0.0001, [0.1, 0.01, 0.001, 0.0001]),
        (0.1, 0.1, [0.1]),
        (0.1, 0.011, [0.1]),
        (3, 0.002, [3, 0.3, 0.03, 0.003]),
    ],
)
def test_rates_are_divided_by_ten(highest, lowest, rates):
    assert tried_rates(highest, lowest) == pytest.approx(rates)


@pytest.mark.parametrize(
    ("highest", "lowest", "message"),
    [
        (0.001, 0.1, r"the highest rate, 0\.001, is below the lowest, 0\.1; swap them"),
        (0.1, 0, r"lowest: expected a learning rate > 0, received 0"),
        (-1, 0.1, r"highest: expected a learning rate > 0, received -1"),
        (math.nan, 0.1, r"highest: expected a learning rate > 0, received nan"),
        (math.inf, 0.1, r"highest: expected a learning rate > 0, received inf"),
    ],
)
def test_range_that_makes_no_sense_is_refused(highest, lowest, message):
    with pytest.raises(DlcvError, match=message):
        tried_rates(highest, lowest)


def test_suggestion_is_the_largest_rate_that_was_not_refused():
    bad, good = Try(0.1, (9.0,), (9.0,), "it rises"), Try(0.01, (1.0,), (1.0,), "")
    assert StepSearch(EVEN, (bad, good)).suggestion == 0.01
    assert StepSearch(EVEN, (bad,)).suggestion is None
    assert StepSearch(EVEN, (), stopped_by=2).suggestion is None


def tried(*losses, refusal="it does not fall"):
    return Try(0.1, losses, losses, refusal)


@pytest.mark.parametrize(
    ("tries", "words"),
    [
        # Shuffled labels: the loss comes down to an even guess, and stays there.
        (
            (tried(120, 101), tried(130, 99)),
            "nothing is learned at any rate; try more --epochs, and",
        ),
        ((tried(math.nan), tried(130, math.nan)), "the lowest rate is still too high"),
        ((tried(60, 90), tried(60, 59.9)), "try more --epochs, or --method range"),
        ((tried(90, 80, refusal=""),), "0.1, the largest rate that can be used of those tried"),
        ((Try(0.1, (90, 80), (99, 101), ""),), "it learns the training images alone"),
    ],
)
def test_why_no_rate_can_be_used_decides_what_is_advised(tries, words):
    assert words in _suggestion(StepSearch(EVEN, tries))


def range_test(losses, rates=None, **options):
    rates = np.geomspace(1e-5, 1, len(losses)) if rates is None else rates
    return RangeTest(EVEN, tuple(rates), tuple(losses), diverged=False, **options)


@pytest.mark.parametrize("vertex", [1e-3, 1e-2, 5e-2])
def test_range_test_suggests_a_third_of_the_rate_with_the_lowest_loss(vertex):
    rates = np.geomspace(1e-5, 1, 201)
    losses = 20 + 5 * (np.log10(rates) - math.log10(vertex)) ** 2

    found = range_test(losses, rates)

    # The 201 rates lie 6 % apart.
    assert found.rates[found.lowest] == pytest.approx(vertex, rel=0.06)
    assert found.suggestion == pytest.approx(vertex / 3, rel=0.09)
    assert found.went_far_enough


def test_range_test_sees_through_noise():
    rates = np.geomspace(1e-5, 1, 300)
    noise = np.random.default_rng(0).normal(0, 5, 300)
    losses = 20 + 5 * (np.log10(rates) + 2) ** 2 + noise
    assert 0.0013 < range_test(losses, rates).suggestion < 0.008


def test_range_test_that_only_falls_did_not_go_far_enough():
    found = range_test(np.linspace(100, 20, 100))
    assert not found.went_far_enough
    assert found.suggestion == pytest.approx(0.33, rel=0.01)


@pytest.mark.parametrize(
    "losses",
    [
        [100.0] * 50,
        np.linspace(100, 98, 50),
        np.linspace(130, 99, 50),
        np.linspace(50, 90, 50),
        [math.nan],
        [],
    ],
    ids=[
        "flat",
        "within the tolerance",
        "down to an even guess",
        "rising",
        "no number at once",
        "stopped at once",
    ],
)
def test_range_test_whose_loss_never_falls_suggests_nothing(losses):
    found = range_test(losses)
    assert found.lowest is None
    assert found.suggestion is None


def test_losses_that_are_no_number_end_a_range_test_and_are_left_out():
    falling = [100.0 - i for i in range(50)]
    found = range_test([*falling, math.nan])
    assert len(found.smoothed) == 50
    assert found.lowest == 49


def test_range_test_never_suggests_a_rate_below_those_tried():
    losses = 20 + 5 * (np.log10(np.geomspace(1e-5, 1, 201)) + 4.9) ** 2
    found = range_test([100, 100, 100, *losses[3:]])
    assert found.suggestion in (None, 1e-5)


@pytest.mark.parametrize(
    ("losses", "ends"),
    [
        ([math.nan], True),
        ([90, math.inf], True),
        ([90] * 20, False),
        # More than twice an even guess's, in the mean of five steps.
        ([90] * 10 + [200] * 5, False),
        ([90] * 10 + [200] * 4 + [201], True),
        ([90] * 10 + [900], True),
        ([90] * 10 + [500], False),
        # A network that begins higher than an even guess may stay there.
        ([300] * 10 + [600] * 5, False),
        ([300] * 10 + [600] * 4 + [601], True),
        ([9e9] * 3, False),
    ],
)
def test_range_test_ends_when_the_loss_is_very_high(losses, ends):
    assert diverges(losses, EVEN) == ends


def test_smoothing_takes_the_mean_of_neighbours_on_both_sides():
    np.testing.assert_allclose(
        smooth([1, 2, 6, 1, 0], 3), [1, (1 + 2 + 6) / 3, (2 + 6 + 1) / 3, (6 + 1 + 0) / 3, 0]
    )
    np.testing.assert_allclose(smooth([4.0, 2.0], 9), [4, 2])
    assert smooth([], 3).shape == (0,)


@given(st.floats(-10, 10), st.floats(-10, 10), st.integers(1, 60), st.integers(1, 40))
def test_smoothing_keeps_straight_lines(slope, start, count, window):
    line = start + slope * np.arange(count)
    np.testing.assert_allclose(smooth(line, window), line, atol=1e-9)
