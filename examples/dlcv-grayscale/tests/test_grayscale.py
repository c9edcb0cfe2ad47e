"""Grayscale keeps dlcv's rules and does what it says."""

import numpy as np
import pytest
from dlcv_grayscale import Grayscale

from dlcv.testing import checks_for


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("check", checks_for(Grayscale), ids=lambda check: check.__name__)
def test_grayscale_is_a_good_plugin(check, channels):
    """Dlcv's own checks, once for each option."""
    check(Grayscale(channels=channels))


def test_green_looks_brighter_than_blue():
    """The values are those of BT.601: 0.587 * 255 and 0.114 * 255."""
    green_and_blue = np.array([[[[0, 255, 0], [0, 0, 255]]]], np.uint8)
    grey = Grayscale()(green_and_blue)
    np.testing.assert_array_equal(grey, [[[[150, 150, 150], [29, 29, 29]]]])
