"""Noise, against the normal distribution."""

import math

import numpy as np
import pytest

from dlcv import registry
from dlcv.errors import DlcvError
from dlcv_plugins.preprocessors.noise import Noise


def added(stddev, level=128, shape=(40, 50, 50, 3), seed=0):
    """Noise that was added to images of one grey level; 300,000 values."""
    images = np.full(shape, level, np.uint8)
    return Noise(stddev=stddev)(images, np.random.default_rng(seed)).astype(float) - level


def below(value, stddev):
    return 0.5 * (1 + math.erf(value / (stddev * math.sqrt(2))))


@pytest.mark.parametrize("stddev", [0.4, 1, 8, 25])
def test_it_is_normal_with_the_standard_deviation_asked(stddev):
    noise = added(stddev)
    # Rounding to whole grey levels adds a twelfth to the variance, if it is not small.
    rounded = {0.4: None}.get(stddev, math.sqrt(stddev**2 + 1 / 12))
    assert abs(noise.mean()) < 5 * stddev / math.sqrt(noise.size) + 1e-3
    if rounded:
        assert noise.std() == pytest.approx(rounded, rel=0.01)
    for level in range(-math.ceil(3 * stddev), math.ceil(3 * stddev) + 1):
        expected = below(level + 0.5, stddev)
        assert (noise <= level).mean() == pytest.approx(expected, abs=0.005)


def test_pixels_channels_and_images_get_noise_of_their_own():
    noise = added(20, shape=(100, 30, 30, 3))
    for first, second in [
        (noise[:-1], noise[1:]),
        (noise[:, :-1], noise[:, 1:]),
        (noise[:, :, :-1], noise[:, :, 1:]),
        (noise[..., 0], noise[..., 1]),
    ]:
        assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.015


@pytest.mark.parametrize(("level", "end"), [(0, 0), (255, 255)])
def test_what_leaves_the_range_stays_at_its_end(level, end):
    noisy = added(8, level=level) + level
    # Half, and what rounds to nothing.
    assert (noisy == end).mean() == pytest.approx(below(0.5, 8), abs=0.01)
    assert np.abs(noisy - end).max() < 45


def test_the_strongest_noise_stays_in_range():
    noisy = added(255) + 128
    assert (noisy == 0).mean() == pytest.approx(below(-127.5, 255), abs=0.01)
    assert (noisy == 255).mean() == pytest.approx(below(-126.5, 255), abs=0.01)


def test_lists_of_images_of_many_sizes():
    images = [np.full((5, 6, 1), 100, np.uint8), np.full((60, 70, 1), 100, np.uint8)[:, ::2]]
    results = Noise()(images, np.random.default_rng(0))
    assert [image.shape for image in results] == [(5, 6, 1), (60, 35, 1)]
    assert all(image.std() > 5 for image in results)


@pytest.mark.parametrize("nothing", [[], np.zeros((0, 4, 5, 3), np.uint8)], ids=["list", "array"])
def test_an_empty_batch_stays_empty(nothing):
    assert len(Noise()(nothing, np.random.default_rng(0))) == 0


def test_outside_training_nothing_is_added():
    batch = np.full((2, 5, 5, 3), 100, np.uint8)
    np.testing.assert_array_equal(Noise()(batch), batch)


@pytest.mark.parametrize("stddev", ["0", "-1", "256"])
def test_bad_options_are_refused(stddev):
    with pytest.raises(DlcvError, match="stddev: expected float > 0, <= 255"):
        registry.create("preprocessor", f"noise(stddev={stddev})")
