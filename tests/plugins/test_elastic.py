"""Elastic distortion, against SciPy's interpolation and the paper's definition."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates

from dlcv_plugins.preprocessors.elastic import Elastic

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 40, 31, 3), np.uint8)


def by_hand(image: np.ndarray, alpha: float, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Simard et al. (2003) with SciPy alone, float64."""
    columns, rows = (
        alpha * gaussian_filter(field.astype(np.float64), sigma, mode="constant", truncate=4)
        for field in rng.uniform(-1, 1, (2, *image.shape[:2])).astype(np.float32)
    )
    at = np.mgrid[: image.shape[0], : image.shape[1]] + np.stack([rows, columns])
    channels = [
        map_coordinates(image[..., c].astype(float), at, order=1, mode="nearest") for c in range(3)
    ]
    return np.stack(channels, axis=-1)


@pytest.mark.parametrize(("alpha", "sigma"), [(34.0, 4.0), (10.0, 2.0), (120.0, 6.0)])
def test_it_agrees_with_an_independent_implementation(alpha: float, sigma: float) -> None:
    found = Elastic(alpha=alpha, sigma=sigma)(IMAGES, np.random.default_rng(3))
    rng = np.random.default_rng(3)
    expected = np.stack([by_hand(image, alpha, sigma, rng) for image in IMAGES])
    # OpenCV interpolates with 1/32 of a pixel.
    assert np.abs(found - expected).max() <= 255 / 32 + 1
    assert np.abs(found - expected).mean() < 1.5
    assert np.abs(found.astype(int) - IMAGES).mean() > 5


def test_defaults_move_digits_by_some_pixels() -> None:
    """Smoothed uniform noise has the deviation `alpha / sqrt(3) / (2 sigma sqrt(pi))`."""
    moved = Elastic().displacements((400, 400), np.random.default_rng(0))[:, 30:-30, 30:-30]
    assert moved.std() == pytest.approx(34 / np.sqrt(3) / (8 * np.sqrt(np.pi)), rel=0.05)


def test_images_stay_as_they_are_outside_training() -> None:
    np.testing.assert_array_equal(Elastic()(IMAGES), IMAGES)
    np.testing.assert_array_equal(Elastic(alpha=0)(IMAGES, np.random.default_rng(0)), IMAGES)


def test_each_image_is_distorted_in_its_own_way() -> None:
    same = np.stack([IMAGES[0], IMAGES[0]])
    first, second = Elastic()(same, np.random.default_rng(0))
    assert not np.array_equal(first, second)


def test_grey_images_keep_their_channel() -> None:
    assert Elastic()(IMAGES[..., :1], np.random.default_rng(0)).shape == (2, 40, 31, 1)
