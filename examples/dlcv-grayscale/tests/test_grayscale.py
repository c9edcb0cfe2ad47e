"""Grayscale keeps dlcv's rules and does what it says."""

import numpy as np
from dlcv_grayscale import Grayscale

from dlcv.testing import conformance

test_rules_are_kept = conformance(Grayscale())
test_rules_are_kept_with_one_channel = conformance(Grayscale(channels=1))


def test_green_looks_brighter_than_blue():
    """The values are those of BT.601: 0.587 * 255 and 0.114 * 255."""
    green_and_blue = np.array([[[[0, 255, 0], [0, 0, 255]]]], np.uint8)
    grey = Grayscale()(green_and_blue)
    np.testing.assert_array_equal(grey, [[[[150, 150, 150], [29, 29, 29]]]])
