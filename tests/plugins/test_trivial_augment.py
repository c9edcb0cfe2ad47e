"""TrivialAugment: which operation is drawn, and how strong it is."""

from collections import Counter

import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from dlcv_plugins.preprocessors import operations, trivial_augment
from dlcv_plugins.preprocessors.trivial_augment import TrivialAugment, value

FLOWER = load_sample_image("flower.jpg")[100:180, 300:400]


def rng(seed=0):
    return np.random.default_rng(seed)


def test_nothing_happens_outside_training():
    images = FLOWER[np.newaxis]
    assert TrivialAugment()(images) is images


@pytest.mark.parametrize(
    ("name", "at_0", "at_15", "at_30"),
    [
        # The wide ranges of the paper; its program cuts degrees, pixels and bits off.
        ("rotate", 0, 67, 135),
        ("shear_x", 0, 0.495, 0.99),
        ("shear_y", 0, 0.495, 0.99),
        ("translate_x", 0, 16, 32),
        ("translate_y", 0, 16, 32),
        ("color", 0.01, 1.005, 2),
        ("contrast", 0.01, 1.005, 2),
        ("brightness", 0.01, 1.005, 2),
        ("sharpness", 0.01, 1.005, 2),
        ("posterize", 8, 5, 2),
        ("solarize", 256, 128, 0),
        ("identity", 0, 0, 0),
        ("auto_contrast", 0, 0, 0),
        ("equalize", 0, 0, 0),
    ],
)
def test_ranges_are_the_papers(name, at_0, at_15, at_30):
    assert [value(name, level, 1) for level in (0, 15, 30)] == pytest.approx([at_0, at_15, at_30])
    sign = -1 if name in operations.GEOMETRIC_OPERATIONS else 1
    assert value(name, 30, -1) == pytest.approx(sign * at_30)


@pytest.mark.parametrize(
    ("name", "span", "start"),
    [("rotate", 135, 0), ("translate_x", 32, 0), ("posterize", -6, 8), ("solarize", -256, 256)],
)
def test_whole_numbers_are_cut_off_as_the_papers_program_does(name, span, start):
    for level in range(31):
        size = int(level * abs(span) / 30)
        assert value(name, level, 1) == start + (size if span > 0 else -size)


def test_operations_levels_and_signs_are_drawn_equally_often(monkeypatch):
    drawn = []

    def record(images, names, values, fill):
        assert fill == 0
        drawn.extend(zip(names, values, strict=True))
        return images

    monkeypatch.setattr(trivial_augment, "apply", record)
    TrivialAugment()(np.zeros((43_400, 2, 2, 3), np.uint8), rng())
    counts = Counter(name for name, _ in drawn)
    # 3,100 times each, with a standard deviation of 54; each level 100 times, of 10.
    assert set(counts) == set(operations.NAMES)
    assert max(abs(count - 3100) for count in counts.values()) < 220
    for name in ("brightness", "sharpness"):
        levels = Counter(round((v - 0.01) / 1.99 * 30, 6) for own, v in drawn if own == name)
        assert set(levels) == set(range(31))
        assert max(abs(count - 100) for count in levels.values()) < 45
    for name in operations.GEOMETRIC_OPERATIONS:
        values = np.array([v for own, v in drawn if own == name and v])
        assert abs((values > 0).mean() - 0.5) < 0.04


def test_each_image_has_a_draw_of_its_own():
    images = FLOWER[np.newaxis].repeat(100, axis=0)
    result = TrivialAugment()(images, rng())
    draws = rng()
    drawn, levels, signs = (draws.integers(n, size=100) for n in (14, 31, 2))
    for i in range(100):
        name = operations.NAMES[drawn[i]]
        strength = value(name, int(levels[i]), 2 * int(signs[i]) - 1)
        expected = operations.apply(FLOWER[np.newaxis], [name], [strength], 0)[0]
        np.testing.assert_array_equal(result[i], expected)


@pytest.mark.parametrize("channels", [1, 3])
def test_images_of_different_sizes_keep_them(channels):
    images = [
        rng(1).integers(0, 256, (height, width, channels), np.uint8)
        for height, width in ((1, 1), (2, 7), (30, 20), (64, 64))
    ] * 20
    results = TrivialAugment()(images, rng())
    assert [r.shape for r in results] == [i.shape for i in images]
    assert all(r.dtype == np.uint8 for r in results)
