"""Mirror images, against NumPy's own."""

import numpy as np
import pytest

from dlcv import registry
from dlcv_plugins.preprocessors.flip import Flip

IMAGE = np.random.default_rng(0).integers(0, 256, (7, 10, 3), np.uint8)
AS_IT_IS, LEFT_RIGHT, TOP_BOTTOM, BOTH = (
    IMAGE,
    IMAGE[:, ::-1],
    IMAGE[::-1],
    IMAGE[::-1, ::-1],
)


def draw(step, image=IMAGE, draws=1000):
    return step(np.repeat(image[np.newaxis], draws, axis=0), np.random.default_rng(3))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("flip", [AS_IT_IS, LEFT_RIGHT]),
        ("flip(vertical=True)", [AS_IT_IS, LEFT_RIGHT, TOP_BOTTOM, BOTH]),
        ("flip(horizontal=False, vertical=True)", [AS_IT_IS, TOP_BOTTOM]),
        ("flip(horizontal=False)", [AS_IT_IS]),
    ],
)
def test_each_side_is_swapped_for_half_of_the_images(text, expected):
    results = draw(registry.create("preprocessor", text))
    counts = [(results == image).all(axis=(1, 2, 3)).sum() for image in expected]
    assert sum(counts) == len(results)
    # 5 standard deviations of 500, or 250, of 1000 are 79, or 68.
    assert np.abs(np.array(counts) - 1000 / len(expected)).max() <= 79


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_lists_and_grey_images_are_swapped_alike(channels):
    batch = np.random.default_rng(1).integers(0, 256, (20, 5, 6, channels), np.uint8)
    step = Flip(vertical=True)
    expected = step(batch, np.random.default_rng(2))
    np.testing.assert_array_equal(step(list(batch), np.random.default_rng(2)), expected)
    mixed = step([*batch, np.zeros((9, 9, channels), np.uint8)], np.random.default_rng(2))
    assert isinstance(mixed, list)
    assert [image.shape for image in mixed[19:]] == [(5, 6, channels), (9, 9, channels)]


def test_outside_training_nothing_is_swapped():
    batch = IMAGE[np.newaxis].repeat(9, axis=0)
    np.testing.assert_array_equal(Flip(vertical=True)(batch), batch)


def test_images_that_lie_in_memory_otherwise_are_swapped_alike():
    # As from a file by columns, or turned by NumPy.
    turned = [np.ascontiguousarray(IMAGE.transpose(1, 0, 2)).transpose(1, 0, 2)] * 20
    expected = Flip()(np.repeat(IMAGE[np.newaxis], 20, axis=0), np.random.default_rng(3))
    np.testing.assert_array_equal(Flip()(turned, np.random.default_rng(3)), expected)
