"""Crops, against images computed by hand."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcv import registry
from dlcv.errors import ImageError
from dlcv_plugins.preprocessors.crop import Crop

# Names the rows and columns of a picture: 34 is the pixel of row 3 and column 4.
ROWS_AND_COLUMNS = np.add.outer(np.arange(0, 100, 10), np.arange(10)).astype(np.uint8)


def crops(image, **options):
    """The views of one image, `(views, H, W, C)`."""
    (views,) = Crop(**options)(image[np.newaxis])
    return views


def random_image(height, width, channels=3):
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)


def test_corners_and_centre_come_clockwise_and_then_the_mirror_of_each():
    image = ROWS_AND_COLUMNS[:4, :5, np.newaxis]
    assert crops(image, size=(2, 3))[..., 0].tolist() == [
        [[0, 1, 2], [10, 11, 12]],
        [[2, 3, 4], [12, 13, 14]],
        [[22, 23, 24], [32, 33, 34]],
        [[20, 21, 22], [30, 31, 32]],
        [[11, 12, 13], [21, 22, 23]],
        [[2, 1, 0], [12, 11, 10]],
        [[4, 3, 2], [14, 13, 12]],
        [[24, 23, 22], [34, 33, 32]],
        [[22, 21, 20], [32, 31, 30]],
        [[13, 12, 11], [23, 22, 21]],
    ]


def test_without_mirror_there_are_five():
    image = random_image(9, 12)
    assert Crop(mirror=False).views == 5
    np.testing.assert_array_equal(
        crops(image, size=7, mirror=False), crops(image, size=7, mirror=True)[:5]
    )


def test_a_centre_that_is_off_by_one_is_the_mean_by_area():
    image = np.array([[[10], [20]], [[30], [60]]], np.uint8)
    assert crops(image, size=1)[:, 0, 0, 0].tolist() == [10, 20, 60, 30, 30] * 2


def test_227_of_256_pixels_as_the_source_cuts_them():
    # Its crops: start and end of rows and columns, each brought to 227 by area interpolation.
    image = random_image(256, 256)
    places = [(0, 227, 0, 227), (0, 227, 29, 256), (29, 256, 29, 256), (29, 256, 0, 227)]
    cut = [image[a:b, c:d] for a, b, c, d in [*places, (14, 242, 14, 242)]]
    expected = [cv2.resize(part, (227, 227), interpolation=cv2.INTER_AREA) for part in cut]
    expected += [cv2.flip(part, 1) for part in expected]
    np.testing.assert_array_equal(crops(image, size=227), expected)


def test_an_image_of_the_crops_size_is_seen_plain_and_mirrored():
    image = random_image(6, 8)
    np.testing.assert_array_equal(crops(image, size=(6, 8)), [image] * 5 + [image[:, ::-1]] * 5)


@given(*[st.integers(1, 12)] * 4, st.sampled_from([1, 3]))
def test_a_mirrored_image_has_the_same_views(height, width, down, right, channels):
    image = random_image(height + down, width + right, channels)
    views = crops(image, size=(height, width))
    assert views.shape == (10, height, width, channels)
    left_for_right = [6, 5, 8, 7, 9, 1, 0, 3, 2, 4]
    np.testing.assert_array_equal(
        crops(np.ascontiguousarray(image[:, ::-1]), size=(height, width)), views[left_for_right]
    )


def test_images_of_many_sizes_come_out_as_an_array():
    found = Crop(size=5)([random_image(5, 9), random_image(8, 6), random_image(30, 20)])
    assert isinstance(found, np.ndarray)
    assert found.shape == (3, 10, 5, 5, 3)


def test_nothing_is_random():
    batch = np.stack([random_image(9, 9)] * 2)
    np.testing.assert_array_equal(
        Crop(size=4)(batch), Crop(size=4)(batch, np.random.default_rng(0))
    )


@pytest.mark.parametrize("size", [(20, 40), (40, 20), (31, 31)])
def test_a_smaller_image_is_an_error_with_its_cure(size):
    with pytest.raises(ImageError) as caught:
        Crop(size=32)([random_image(40, 40), random_image(*size)])
    assert str(caught.value) == (
        f"crop: an image of {size[0]} x {size[1]} pixels is smaller than the crops (32 x 32); "
        "put aspect_aware before crop, or choose a smaller size"
    )
    assert caught.value.index == 1


def test_an_open_size_is_the_input_s_and_wants_images_an_eighth_larger():
    step = registry.create("preprocessor", "crop")
    assert step.output_shape((None, 7, 3)) == (None, 7, 3)
    sized = step.with_output_size((224, 64))
    assert sized.output_shape((None, None, 1)) == (224, 64, 1)
    assert sized.source_size((224, 64)) == (252, 72)
    assert Crop(size=5).with_output_size((9, 9)) == Crop(size=5)


def test_padding_shifts_views_of_the_images_own_size():
    image = random_image(5, 6)
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), "reflect")
    views = crops(image, size=(5, 6), padding=1)

    places = [padded[:5, :6], padded[:5, 2:], padded[2:, 2:], padded[2:, :6], image]
    np.testing.assert_array_equal(views, [*places, *(view[:, ::-1] for view in places)])
