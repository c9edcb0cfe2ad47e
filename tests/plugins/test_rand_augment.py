"""RandAugment: which operations are drawn, and how strong they are."""

from collections import Counter

import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from dlcv import registry
from dlcv.errors import DlcvError
from dlcv_plugins.preprocessors import operations, rand_augment
from dlcv_plugins.preprocessors.rand_augment import RandAugment, value

FLOWER = load_sample_image("flower.jpg")[100:180, 300:400]


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture
def drawn(monkeypatch):
    """What is drawn, `(name, value)` for each image, instead of being done; a list a round."""
    rounds = []

    def record(images, names, values, fill):
        assert fill == 128
        rounds.append(list(zip(names, values, strict=True)))
        return images

    monkeypatch.setattr(rand_augment, "apply", record)
    return rounds


def small(count):
    return np.zeros((count, 8, 8, 3), np.uint8)


def test_nothing_happens_outside_training():
    images = FLOWER[np.newaxis]
    assert RandAugment()(images) is images


@pytest.mark.parametrize(
    ("name", "strongest", "weakest"),
    [
        # AutoAugment's table of ranges; a posterized image keeps 4 bits at least.
        ("rotate", 30, 0),
        ("shear_x", 0.3, 0),
        ("shear_y", 0.3, 0),
        # 150 of 331 pixels, here of 200 and 100, whole pixels only.
        ("translate_x", 90, 0),
        ("translate_y", 45, 0),
        ("color", 1.9, 1),
        ("contrast", 1.9, 1),
        ("brightness", 1.9, 1),
        ("sharpness", 1.9, 1),
        ("posterize", 4, 8),
        ("solarize", 0, 256),
        ("identity", 0, 0),
        ("auto_contrast", 0, 0),
        ("equalize", 0, 0),
    ],
)
def test_ranges_are_autoaugments(name, strongest, weakest):
    assert value(name, 1.0, 1, (100, 200)) == pytest.approx(strongest)
    assert value(name, 0.0, 1, (100, 200)) == weakest
    half = value(name, 0.5, 1, (100, 200))
    assert half == pytest.approx((strongest + weakest) / 2, abs=0.51)


@pytest.mark.parametrize("name", operations.NAMES)
def test_a_sign_turns_directions_round(name):
    forward, backward = (value(name, 0.7, sign, (100, 200)) for sign in (1, -1))
    if name in operations.GEOMETRIC_OPERATIONS:
        assert backward == -forward != 0
    elif name in ("color", "contrast", "brightness", "sharpness"):
        assert (forward, backward) == pytest.approx((1.63, 0.37))
    else:
        assert backward == forward


def test_each_operation_is_drawn_equally_often_and_on_its_own(drawn):
    RandAugment(num_ops=3)(small(14_000), rng())
    assert len(drawn) == 3
    for one in drawn:
        counts = Counter(name for name, _ in one)
        # 1,000 times each, with a standard deviation of 30.
        assert set(counts) == set(operations.NAMES)
        assert max(abs(count - 1000) for count in counts.values()) < 120
    pairs = Counter((a, b) for (a, _), (b, _) in zip(*drawn[:2], strict=True))
    # 196 pairs, 71 times each, with a standard deviation of 8.4.
    assert len(pairs) == 196
    assert max(abs(count - 71.4) for count in pairs.values()) < 42


def test_both_signs_are_drawn_equally_often_with_one_magnitude(drawn):
    RandAugment(num_ops=1, magnitude=6)(small(14_000), rng())
    for name, size in (("rotate", 18), ("shear_y", 0.18), ("translate_x", 2)):
        values = np.array([v for own, v in drawn[0] if own == name])
        np.testing.assert_allclose(np.abs(values), size)
        assert abs((values > 0).mean() - 0.5) < 0.06
    factors = Counter(round(v, 6) for own, v in drawn[0] if own == "brightness")
    assert set(factors) == {0.46, 1.54}
    assert abs(factors[1.54] / factors.total() - 0.5) < 0.06


def test_shifts_are_fractions_of_each_images_own_size(drawn):
    images = [np.zeros((size, 2 * size, 3), np.uint8) for size in (50, 200)] * 200
    RandAugment(num_ops=1, magnitude=10)(images, rng())
    for name, expected in (("translate_x", (45, 181)), ("translate_y", (22, 90))):
        for size, shift in zip((0, 1), expected, strict=True):
            found = {abs(v) for own, v in drawn[0][size::2] if own == name}
            assert found == {shift}


def test_operations_are_done_one_after_the_other():
    step = RandAugment(num_ops=2, magnitude=10)
    images = FLOWER[np.newaxis].repeat(40, axis=0)
    result = step(images, rng(3))
    draws = rng(3)
    drawn = draws.integers(len(operations.NAMES), size=(2, 40))
    signs = 2 * draws.integers(2, size=(2, 40)) - 1
    for i in range(40):
        expected = FLOWER[np.newaxis]
        for row in range(2):
            name = operations.NAMES[drawn[row, i]]
            strength = value(name, 1.0, signs[row, i], FLOWER.shape[:2])
            expected = operations.apply(expected, [name], [strength], 128)
        np.testing.assert_array_equal(result[i], expected[0])


@pytest.mark.parametrize("channels", [1, 3])
def test_images_of_different_sizes_keep_them(channels):
    images = [
        rng(1).integers(0, 256, (height, width, channels), np.uint8)
        for height, width in ((1, 1), (2, 7), (30, 20), (64, 64))
    ] * 10
    step = RandAugment(num_ops=4, magnitude=10)
    results = step(images, rng())
    assert [r.shape for r in results] == [i.shape for i in images]
    assert all(r.dtype == np.uint8 for r in results)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rand_augment(magnitude=11)", "magnitude: expected float >= 0, <= 10, received 11"),
        ("rand_augment(num_ops=0)", "num_ops: expected int >= 1, received 0"),
        ("rand_augment(layers=2)", "layers"),
    ],
)
def test_options_outside_their_range_are_refused(text, message):
    with pytest.raises(DlcvError, match=message):
        registry.create("preprocessor", text)
