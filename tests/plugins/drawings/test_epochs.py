"""Drawings by epoch: ticks at epochs only, and axes on which the lines can be told apart."""

import numpy as np
import pytest

from dlcv.interfaces import Curves
from dlcv_plugins.drawings.figures import figure


def axes_of(*lines):
    named = {
        f"line {n}": np.array([*enumerate(line, start=1)], float) for n, line in enumerate(lines)
    }
    drawn = figure(Curves("Loss", "epoch", "loss", named, by_epoch=True))
    drawn.draw_without_rendering()
    (axes,) = drawn.axes
    return axes


def ticks(axes):
    low, high = axes.get_xlim()
    return [tick for tick in axes.get_xticks() if low <= tick <= high]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 40, 333])
def test_ticks_are_at_epochs(count):
    found = ticks(axes_of(np.linspace(0.9, 0.1, count)))
    assert found
    assert all(tick == round(tick) for tick in found)


def test_a_single_epoch_with_a_small_value_is_not_drawn_as_a_share():
    low, high = axes_of([0.01]).get_ylim()
    assert 0 <= low < 0.01 < high < 0.02


def test_a_peak_of_the_first_epochs_is_left_out_and_said():
    axes = axes_of([2.0, *[0.5] * 39], [22.5, 30.75, *np.linspace(2, 1.5, 38)])
    assert axes.get_ylim()[1] < 4
    assert axes.get_title("right") == "the first epochs go up to 30.8"


@pytest.mark.parametrize(
    "losses",
    [
        [2.3, *np.linspace(1.8, 0.9, 39)],
        # What diverges at the end is what there is to see.
        [*[1.0] * 35, *[50.0] * 5],
        [float("nan")] * 3,
        [2.0, float("inf"), float("nan")],
        [0.0] * 8,
    ],
)
def test_other_losses_are_drawn_as_they_are(losses):
    axes = axes_of(losses)
    assert not axes.get_title("right")
    low, high = axes.get_ylim()
    assert all(low <= loss <= high for loss in losses if np.isfinite(loss))
