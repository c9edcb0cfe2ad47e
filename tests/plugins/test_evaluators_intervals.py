"""Confidence intervals, against published ones, theory, and what they promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcv_plugins.evaluators.intervals import (
    bootstrap,
    difference,
    is_clearly_above,
    mean_is_clearly_above,
    paired_difference,
    wilson,
)


@pytest.mark.parametrize(
    ("right", "samples", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        # The score interval of nothing: z^2 / (n + z^2).
        (0, 10, 0, 0.2775),
        (10, 10, 0.7225, 1),
    ],
)
def test_wilson_intervals_are_the_published_ones(right, samples, low, high):
    assert wilson(right, samples) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 10**6), st.data())
def test_a_share_lies_in_its_interval_and_its_mirror_image_in_the_mirrored_one(samples, data):
    right = data.draw(st.integers(0, samples))
    low, high = wilson(right, samples)
    assert 0 <= low <= right / samples <= high <= 1
    assert low < high
    assert wilson(samples - right, samples) == pytest.approx((1 - high, 1 - low))


def test_the_bootstrap_of_a_mean_agrees_with_the_normal_distribution():
    values = np.random.default_rng(1).normal(5, 2, 400)
    ((low, high),) = bootstrap(
        lambda drawn: drawn @ values[:, np.newaxis] / 400, [values.mean()], 400
    )
    spread = 1.96 * values.std() / np.sqrt(400)
    assert (low, high) == pytest.approx(
        (values.mean() - spread, values.mean() + spread), abs=0.1 * spread
    )


def test_the_bootstrap_is_the_same_each_time():
    def statistics(drawn):
        return np.stack([drawn[:, 0] / 30, drawn.max(axis=1)], axis=1)

    assert bootstrap(statistics, [0.1, 1], 30) == bootstrap(statistics, [0.1, 1], 30)


def test_draws_without_a_figure_are_left_out(recwarn):
    def statistics(drawn):
        found = np.full((len(drawn), 2), np.nan)
        found[drawn[:, 0] > 0, 0] = 1
        return found

    assert bootstrap(statistics, [1.0, 0.5], 10) == [(1, 1), (0.5, 0.5)]
    assert list(recwarn) == []


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), pages 873 to 890, table II, method 10.
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((10, 10), (0, 10), 0.6075, 1.0000),
    ],
)
def test_intervals_of_differences_are_the_published_ones(first, second, low, high):
    assert difference(first, second) == pytest.approx((low, high), abs=5e-5)
    assert difference(second, first) == pytest.approx((-high, -low), abs=5e-5)


def test_a_mean_of_shares_is_clearly_above_by_agresti_and_coulls_variance():
    """Both shares become 59 / 104, with a variance of 0.00236; the interval begins at 0.49998."""
    assert not mean_is_clearly_above([(57, 100), (57, 100)], 0.5)
    assert mean_is_clearly_above([(57, 100), (58, 100)], 0.5)
    # One lucky sample is no proof; neither is all of one class at the cost of the others.
    assert not mean_is_clearly_above([(1, 1), (95, 190)], 0.5)
    assert not mean_is_clearly_above([(100, 100), *[(0, 100)] * 9], 0.1)


def test_a_network_is_clearly_above_guessing_by_wilsons_interval():
    """Of 20 images all are right, and 85 % are of one class: Wilson's interval starts at 83.9 %.

    Wald's is 100 to 100 %, which proves everything.
    """
    assert not is_clearly_above(20, 20, 0.85)
    assert is_clearly_above(20, 20, 0.83)


@pytest.mark.parametrize(
    ("better", "worse", "same", "low", "high"),
    [
        # Bonett's package statpsych 1.7, ci.prop.ps(.05, 12, 4, 26, 6).
        (26, 4, 18, 0.2548067, 0.6251933),
        # Of none that differ, it is z * sqrt(2) / (n + 2).
        (0, 0, 98, -0.02771808, 0.02771808),
    ],
)
def test_intervals_on_the_same_samples_are_the_published_ones(better, worse, same, low, high):
    differences = np.repeat([1.0, -1, 0], [better, worse, same])
    assert paired_difference(differences, 1) == pytest.approx((low, high), abs=5e-8)
    assert paired_difference(-differences, 1) == pytest.approx((-high, -low), abs=5e-8)
    # Shares of the members are in their own unit.
    assert paired_difference(differences / 4, 1 / 4) == pytest.approx((low / 4, high / 4), abs=2e-8)


def test_an_interval_on_the_same_samples_holds_their_mean_and_stays_within_bounds():
    assert paired_difference(np.full(3, 0.5), 0.5)[1] >= 0.5
    assert paired_difference(np.ones(2), 1) == (pytest.approx(-0.3487, abs=1e-4), 1)
