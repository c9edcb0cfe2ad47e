"""Random erasing, against the procedure of the paper."""

import numpy as np
import pytest

from dlcv import registry
from dlcv.errors import DlcvError
from dlcv.interfaces import PreparationContext
from dlcv_plugins.preprocessors.erase import Erase


def papers_rectangle(height, width, rng, smallest=0.02, largest=0.4, ratio=0.3):
    """Algorithm 1 of Zhong et al. 2017; `(top, left, height, width)`, not rounded."""
    while True:
        area = rng.uniform(smallest, largest) * height * width
        aspect = rng.uniform(ratio, 1 / ratio)
        high, wide = np.sqrt(area * aspect), np.sqrt(area / aspect)
        left, top = rng.uniform(0, width), rng.uniform(0, height)
        if left + wide <= width and top + high <= height:
            return top, left, high, wide


def rectangles(step, height, width, draws=3000):
    """What was erased of each image, `(top, left, height, width)`: nothing but a rectangle."""
    batch = np.full((draws, height, width, 1), 255, np.uint8)
    found = []
    for image in step(batch, np.random.default_rng(0))[..., 0]:
        rows, columns = np.nonzero(image == 0)
        if len(rows):
            top, left = rows.min(), columns.min()
            found.append((top, left, rows.max() + 1 - top, columns.max() + 1 - left))
            assert len(rows) == found[-1][2] * found[-1][3]
            assert (image != 0).sum() == (image == 255).sum() == image.size - len(rows)
    return np.array(found)


def black(**options):
    return Erase(fill_mode="constant", fill_value=0, **options)


@pytest.mark.parametrize(("height", "width"), [(60, 60), (80, 50)])
def test_rectangles_are_those_of_the_paper(height, width):
    found = rectangles(black(probability=1), height, width)
    rng = np.random.default_rng(1)
    expected = np.array([papers_rectangle(height, width, rng) for _ in range(3000)])
    # Places are whole pixels here: on average half a pixel less.
    expected[:, :2] -= 0.5
    error = expected.std(axis=0) / np.sqrt(3000)
    assert (np.abs(found.mean(axis=0) - expected.mean(axis=0)) < 6 * error + 0.3).all()
    np.testing.assert_allclose(found.std(axis=0), expected.std(axis=0), rtol=0.07)
    areas, expected_areas = (r[:, 2] * r[:, 3] / (height * width) for r in (found, expected))
    quantiles = np.linspace(0, 1, 6)
    np.testing.assert_allclose(
        np.quantile(areas, quantiles), np.quantile(expected_areas, quantiles), atol=0.02
    )


def test_area_and_ratio_keep_to_their_limits():
    found = rectangles(black(probability=1, smallest=0.1, largest=0.2, ratio=0.5), 100, 100)
    # Each side is up to half a pixel off.
    areas, ratios = found[:, 2] * found[:, 3] / 10_000, found[:, 2] / found[:, 3]
    assert 0.095 < areas.min() < 0.102
    assert 0.19 < areas.max() < 0.206
    assert 0.48 < ratios.min() < 0.55
    assert 1.8 < ratios.max() < 2.1


def test_every_part_of_an_image_can_be_erased():
    step = black(probability=1)
    batch = np.full((3000, 20, 20, 1), 255, np.uint8)
    assert ((step(batch, np.random.default_rng(0)) == 0).sum(axis=0) > 20).all()


@pytest.mark.parametrize("probability", [0, 0.3, 0.5, 1])
def test_a_share_of_the_images_is_erased(probability):
    found = rectangles(black(probability=probability), 20, 20, draws=1000)
    assert abs(len(found) - 1000 * probability) <= 5 * np.sqrt(250)


def test_by_default_each_pixel_and_channel_gets_a_random_value():
    batch = np.zeros((40, 50, 50, 3), np.uint8)
    results = Erase(probability=1)(batch, np.random.default_rng(0))
    values = results[(results > 0).any(axis=-1)]
    assert values.shape[0] > 5000
    assert values.mean() == pytest.approx(127.5, abs=2)
    assert values.std() == pytest.approx(73.9, abs=1)
    assert np.abs(np.corrcoef(values.T) - np.eye(3)).max() < 0.05


def test_a_constant_is_the_training_mean_if_not_given():
    images = np.full((4, 9, 9, 3), [10, 20, 250], np.uint8)
    step = Erase(fill_mode="constant", probability=1)
    assert Erase().prepare(None).state_dict() == black().prepare(None).state_dict() == {}
    ready = step.prepare(PreparationContext((9, 9), lambda: iter([images])))
    results = ready(np.zeros_like(images), np.random.default_rng(0))
    assert {tuple(c) for c in results.reshape(-1, 3).tolist()} == {(0, 0, 0), (10, 20, 250)}
    with pytest.raises(DlcvError, match="erase: the mean to fill with is not known yet"):
        step(images, np.random.default_rng(0))


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (2, 3)])
def test_where_no_rectangle_fits_it_gives_up(size):
    batch = np.full((20, *size, 3), 255, np.uint8)
    assert black(probability=1)(batch, np.random.default_rng(0)).shape == batch.shape
    nothing_fits = black(probability=1, smallest=1, largest=1, ratio=0.01)
    batch = np.full((20, 30, 30, 3), 255, np.uint8)
    assert nothing_fits(batch, np.random.default_rng(0)).shape == batch.shape


def test_lists_of_images_of_many_sizes():
    images = [np.full((30 + n, 40 - n, 1), 255, np.uint8) for n in range(20)]
    results = black()(images, np.random.default_rng(0))
    assert [image.shape for image in results] == [image.shape for image in images]
    assert 3 < sum((image == 0).any() for image in results) < 17
    assert all((image == 255).all() for image in images)


def test_outside_training_nothing_is_erased():
    batch = np.full((9, 5, 5, 3), 100, np.uint8)
    np.testing.assert_array_equal(Erase(probability=1)(batch), batch)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("probability=1.1", "probability: expected float >= 0, <= 1"),
        ("smallest=0", "smallest: expected float > 0, <= 1"),
        ("largest=1.5", "largest: expected"),
        ("ratio=3", "ratio: expected"),
        ("smallest=0.5", r"smallest: 0.5 is more than largest \(0.4\)"),
        ("fill_mode=blur", "fill_mode: expected random or constant"),
        ("fill_value=0", "fill_value: is not used with fill_mode=random; add fill_mode=constant"),
        ("fill_value=300", "fill_value: expected"),
    ],
)
def test_bad_options_are_refused(text, message):
    with pytest.raises(DlcvError, match=message):
        registry.create("preprocessor", f"erase({text})")
