"""Clahe keeps dlcv's rules and does what it says."""

import numpy as np
from dlcv_clahe import Clahe

from dlcv.testing import conformance

test_rules_are_kept = conformance(Clahe())
test_rules_are_kept_with_options = conformance(Clahe(clip_limit=4.0, tiles=2))


def test_one_part_without_a_limit_is_plain_equalization():
    """Half of the pixels are at most 100: they become 255 / 2; all are at most 101."""
    image = np.full((16, 16, 1), 100, np.uint8)
    image[8:] = 101
    equal = Clahe(clip_limit=1e6, tiles=1)(image[np.newaxis])[0]
    np.testing.assert_array_equal(np.unique(equal), [128, 255])


def test_a_dark_half_gets_the_contrast_of_a_bright_one():
    """The dark half has a quarter of the contrast, and as much afterwards."""
    texture = np.random.default_rng(0).integers(0, 60, (64, 64, 1), np.uint8)
    image = np.concatenate([texture // 4, texture + 150], axis=1)
    even = Clahe(clip_limit=40.0, tiles=4)(image[np.newaxis])[0]
    dark, bright = even[:, :48].std(), even[:, 80:].std()
    assert image[:, :48].std() < 0.3 * image[:, 80:].std()
    assert dark > 0.8 * bright


def test_the_hue_of_a_color_image_stays():
    """In a red ramp, red stays the largest channel by far."""
    ramp = np.zeros((64, 64, 3), np.uint8)
    ramp[..., 0] = np.arange(64, 128)
    changed = Clahe()(ramp[np.newaxis])[0]
    assert not np.array_equal(changed, ramp)
    assert (changed[..., 0] > 2 * changed[..., 1:].max(axis=2)).all()
