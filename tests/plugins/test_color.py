"""Random changes of colour: what is drawn, and what is done with it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance
from sklearn.datasets import load_sample_image

from dlcv import registry
from dlcv.errors import DlcvError
from dlcv_plugins.preprocessors.color import Color

NOTHING = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}
FLOWER = load_sample_image("flower.jpg")[100:180, 300:400]


def only(**options):
    """A step that does what is given and nothing else."""
    return Color(**{**NOTHING, **options})


def rng(seed=0):
    return np.random.default_rng(seed)


class Fixed:
    """A source of randomness that gives what a test says."""

    def __init__(self, *draws):
        self.draws = draws

    def uniform(self, low, high, size):
        return low + (high - low) * np.broadcast_to(self.draws, size)


class Drawn:
    """A source of randomness that gives draws from -1 to 1: `(N, 4)`, or `(N, 1)` for all four."""

    def __init__(self, draws):
        self.draws = draws

    def uniform(self, low, high, size):
        assert (low, high) == (-1, 1)
        return np.broadcast_to(self.draws, size)


def many(*pixel, count=2000):
    return np.broadcast_to(np.uint8(pixel), (count, 1, 1, len(pixel))).copy()


def test_nothing_happens_outside_training():
    images = FLOWER[np.newaxis]
    assert Color(brightness=1.0, hue=0.5)(images) is images


def test_amounts_of_zero_change_nothing():
    np.testing.assert_array_equal(only()(FLOWER[np.newaxis], rng())[0], FLOWER)


@pytest.mark.parametrize("name", ["brightness", "contrast", "color"])
def test_a_factor_does_what_pillow_does(name):
    option = "saturation" if name == "color" else name
    enhancer = getattr(ImageEnhance, name.capitalize())(Image.fromarray(FLOWER))
    # A draw of 0.75 of the range from 1 - 0.6 to 1 + 0.6.
    (result,) = only(**{option: 0.6})(FLOWER[np.newaxis], Fixed(0.75))
    difference = np.abs(result.astype(int) - np.asarray(enhancer.enhance(1.3)))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.03


def test_the_four_changes_follow_each_other():
    image = Image.fromarray(FLOWER)
    for name in ("Brightness", "Contrast", "Color"):
        image = getattr(ImageEnhance, name)(image).enhance(1.2)
    step = Color(brightness=0.2, contrast=0.2, saturation=0.2, hue=0.0)
    (result,) = step(FLOWER[np.newaxis], Fixed(1.0))
    # One grey level in each of three steps, enlarged by the factors of those that follow.
    assert np.abs(result.astype(int) - np.asarray(image)).max() <= 4


@pytest.mark.parametrize(
    ("options", "low", "high"),
    [
        ({"brightness": 0.3}, 0.7 * 100, 1.3 * 100),
        ({"brightness": 1.0}, 0, 200),
        # The grey of (100, 50, 50) is 64.95.
        ({"saturation": 0.5}, 65 + 0.5 * 35, 65 + 1.5 * 35),
    ],
)
def test_factors_are_spread_evenly_over_their_range(options, low, high):
    red = only(**options)(many(100, 50, 50), rng())[:, 0, 0, 0]
    assert low - 1 <= red.min() < low + 0.02 * (high - low) + 1
    assert high - 0.02 * (high - low) - 1 < red.max() <= high + 1
    counts, _ = np.histogram(red, bins=4, range=(low, high + 1e-3))
    # Four times 500 expected, with a standard deviation of 19.
    assert np.abs(counts - 500).max() < 100


def test_contrast_shrinks_and_grows_equally_often():
    pairs = np.broadcast_to(np.uint8([50, 150]).reshape(1, 2, 1), (2000, 1, 2, 1)).copy()
    changed = only(contrast=0.4)(pairs, rng()).astype(int)[:, 0, :, 0]
    spread = changed[:, 1] - changed[:, 0]
    assert 59 <= spread.min() < 63
    assert 137 < spread.max() <= 141
    assert abs((spread < 100).mean() - 0.5) < 0.05


@pytest.mark.parametrize("two", [("brightness", "contrast"), ("contrast", "saturation")])
def test_each_change_has_a_draw_of_its_own(two):
    first, second = (only(**{name: 0.5}) for name in two)
    both = only(**dict.fromkeys(two, 0.5))
    images = FLOWER[np.newaxis].repeat(20, axis=0)
    draws = rng().uniform(-1, 1, (20, 4))
    one, other = (draws[:, ["brightness", "contrast", "saturation"].index(n), None] for n in two)
    expected = second(first(images, Drawn(one)), Drawn(other))
    np.testing.assert_array_equal(both(images, Drawn(draws)), expected)


def test_hues_turn_to_both_sides_by_at_most_the_fraction():
    # Red turned by up to a twelfth, 30 degrees: half way to yellow, or to magenta.
    turned = only(hue=1 / 12)(many(200, 0, 0), rng())[:, 0, 0]
    assert (turned[:, 0] == 200).all()
    green, blue = turned[:, 1], turned[:, 2]
    assert 96 < green.max() <= 100
    assert 96 < blue.max() <= 100
    assert not (green * blue.astype(int)).any()
    assert abs((green > blue).mean() - 0.5) < 0.05


def test_the_usual_amounts_are_moderate():
    image = FLOWER[np.newaxis].repeat(50, axis=0)
    changed = Color()(image, rng())
    # Every image changes, and stays recognizable.
    correlation = [np.corrcoef(FLOWER.ravel(), one.ravel())[0, 1] for one in changed]
    assert min(correlation) > 0.9
    assert all((one != FLOWER).mean() > 0.3 for one in changed)


def test_grey_images_change_in_brightness_and_contrast_alone():
    grey = FLOWER[np.newaxis, ..., :1]
    assert (only(brightness=0.5)(grey, Fixed(1.0)) != grey).mean() > 0.9
    assert (only(contrast=0.5)(grey, Fixed(1.0)) != grey).mean() > 0.9
    np.testing.assert_array_equal(only(saturation=1.0, hue=0.5)(grey, rng()), grey)


def test_each_image_has_a_draw_of_its_own():
    step, images = Color(), FLOWER[np.newaxis].repeat(6, axis=0)
    changed = step(images, rng())
    assert len({one.tobytes() for one in changed}) == 6
    # The same whether they come as an array, as a list, or one is larger.
    padded = np.pad(FLOWER, ((0, 9), (0, 4), (0, 0)))
    listed = step([padded, *images[1:]], rng())
    assert listed[0].shape == padded.shape
    for one, other in zip(changed[1:], listed[1:], strict=True):
        np.testing.assert_array_equal(one, other)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), min_size=1, max_size=5),
    st.sampled_from([1, 3]),
    st.tuples(*[st.floats(0, 1)] * 3, st.floats(0, 0.5)),
)
def test_images_of_any_size_stay_bytes_of_that_size(sizes, channels, amounts):
    images = [rng(1).integers(0, 256, (*size, channels), np.uint8) for size in sizes]
    step = Color(**dict(zip(NOTHING, amounts, strict=True)))
    for image, result in zip(images, step(images, rng()), strict=True):
        assert result.shape == image.shape
        assert result.dtype == np.uint8


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("color(hue=20)", "hue: expected float >= 0, <= 0.5, received 20"),
        ("color(brightness=1.5)", "brightness: expected float >= 0, <= 1, received 1.5"),
        ("color(contrast=-0.1)", "contrast: expected float >= 0, <= 1, received -0.1"),
        ('color(saturation="much")', "saturation: expected float >= 0, <= 1"),
    ],
)
def test_amounts_outside_their_range_are_refused(text, message):
    with pytest.raises(DlcvError, match=message):
        registry.create("preprocessor", text)
