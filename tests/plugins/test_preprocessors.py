"""Preprocessors of pixels, against images computed by hand."""

import tracemalloc

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcv import registry
from dlcv.errors import ImageError
from dlcv_plugins.preprocessors.aspect_aware import AspectAware
from dlcv_plugins.preprocessors.patch import Patch
from dlcv_plugins.preprocessors.simple import Simple

# Names the rows and columns of a picture: 34 is the pixel of row 3 and column 4.
ROWS_AND_COLUMNS = np.add.outer(np.arange(0, 100, 10), np.arange(10)).astype(np.uint8)


def picture(height, width):
    """`(height, width, 1)` whose pixels tell their place, up to 10 x 10."""
    return ROWS_AND_COLUMNS[:height, :width, np.newaxis]


def process(step, image, rng=None):
    (result,) = step(image[np.newaxis], rng)
    return result[..., 0] if result.shape[-1] == 1 else result


def random_image(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def printed_in_the_book(image, width, height, inter=cv2.INTER_AREA):
    """Rosebrock (2017), chapter 2, with the resizing of his package imutils."""
    (h, w) = image.shape[:2]
    d_w = d_h = 0
    if w < h:
        image = cv2.resize(image, (width, int(h * (width / float(w)))), interpolation=inter)
        d_h = int((image.shape[0] - height) / 2.0)
    else:
        image = cv2.resize(image, (int(w * (height / float(h))), height), interpolation=inter)
        d_w = int((image.shape[1] - width) / 2.0)
    (h, w) = image.shape[:2]
    image = image[d_h : h - d_h, d_w : w - d_w]
    return cv2.resize(image, (width, height), interpolation=inter)


class TestAspectAware:
    @pytest.mark.parametrize("size", [8, 16, 33])
    def test_with_a_final_resize_it_is_that_of_the_book(self, size):
        rng = np.random.default_rng(0)
        for _ in range(40):
            image = random_image(*rng.integers(20, 90, 2), seed=int(rng.integers(1000)))
            expected = printed_in_the_book(image, size, size)
            found = process(AspectAware(size=size, final_resize=True), image)
            np.testing.assert_array_equal(found, expected)

    @pytest.mark.parametrize("size", [(64, 128), (128, 64), (9, 30)])
    def test_with_a_final_resize_nothing_is_stretched(self, size):
        image = np.zeros((99, 100, 3), np.uint8)
        image[40:60, 40:60] = 255
        found = process(AspectAware(size=size, final_resize=True), image)[..., 0] > 127
        plain = process(AspectAware(size=size), image)[..., 0] > 127
        for axis in (0, 1):
            assert abs(int(found.any(axis).sum()) - int(plain.any(axis).sum())) <= 1

    @pytest.mark.parametrize(
        ("image", "size", "expected"),
        [
            # The size that it has already.
            (picture(2, 2), 2, [[0, 1], [10, 11]]),
            # Landscape and portrait: the middle of the longer side.
            (picture(2, 4), 2, [[1, 2], [11, 12]]),
            (picture(4, 2), 2, [[10, 11], [20, 21]]),
            (picture(2, 6), 2, [[2, 3], [12, 13]]),
            # An odd rest: one pixel more stays out on the right, or at the bottom.
            (picture(2, 5), 2, [[1, 2], [11, 12]]),
            (picture(5, 2), 2, [[10, 11], [20, 21]]),
            (picture(1, 10), 1, [[4]]),
            # Halved by area, each pixel the mean of 2 x 2, then cut.
            (picture(4, 8) // 2 * 2, 2, [[2 + 5, 4 + 5], [22 + 5, 24 + 5]]),
            # A target that is no square: here the width decides although it is the longer side.
            (picture(3, 4), (1, 4), [[10, 11, 12, 13]]),
            (picture(4, 4), (4, 2), [[1, 2], [11, 12], [21, 22], [31, 32]]),
        ],
    )
    def test_the_shorter_side_fits_and_the_longer_is_cut_around_its_middle(
        self, image, size, expected
    ):
        assert process(AspectAware(size=size), image).tolist() == expected

    @pytest.mark.parametrize("size", [(64, 128), (128, 64), (45, 60), (300, 90), (33, 33)])
    def test_it_is_the_rule_of_the_practitioner_bundle(self, size):
        # Sizes for which the book's truncation leaves no pixel to its last resize.
        (height, width), image = size, random_image(*size)
        if width < height:
            whole = cv2.resize(image, (30, height * 30 // width), interpolation=cv2.INTER_AREA)
            rest = (len(whole) - 30) // 2
            expected = whole[rest : len(whole) - rest]
        else:
            whole = cv2.resize(image, (width * 30 // height, 30), interpolation=cv2.INTER_AREA)
            rest = (whole.shape[1] - 30) // 2
            expected = whole[:, rest : whole.shape[1] - rest]
        np.testing.assert_array_equal(process(AspectAware(size=30), image), expected)

    @settings(max_examples=150, deadline=None)
    @given(*[st.integers(1, 60)] * 4, st.sampled_from(["area", "linear", "nearest"]))
    def test_every_image_gets_exactly_the_size(self, height, width, rows, columns, interpolation):
        step = AspectAware(size=(rows, columns), interpolation=interpolation)
        result = process(step, random_image(height, width))
        assert result.shape == (rows, columns, 3)
        assert result.dtype == np.uint8

    @pytest.mark.parametrize("size", [(1, 500), (500, 1), (3, 499), (1, 100_001), (99_999, 2)])
    @pytest.mark.parametrize("target", [7, 32])
    @pytest.mark.parametrize("final_resize", [False, True])
    def test_extreme_shapes_give_the_size_and_their_middle(self, size, target, final_resize):
        image = np.zeros((*size, 3), np.uint8)
        image[(size[0] - 1) // 2 : size[0] // 2 + 1, (size[1] - 1) // 2 : size[1] // 2 + 1] = 250
        result = process(AspectAware(size=target, final_resize=final_resize), image)
        assert result.shape == (target, target, 3)
        assert result[target // 2, target // 2].max() > 100

    @pytest.mark.parametrize("final_resize", [False, True])
    def test_a_very_long_image_does_not_fill_the_memory(self, final_resize):
        image = np.zeros((1, 1_000_000, 3), np.uint8)
        tracemalloc.start()
        process(AspectAware(size=100, final_resize=final_resize), image)
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        # Enlarged as a whole it would have 30 GB; what is enlarged is 16 times the result.
        assert peak_bytes < 40 * 100 * 100 * 3

    def test_the_picture_is_neither_squeezed_nor_turned(self):
        # A disc stays a disc: as high as it is wide, in the middle.
        rows, columns = np.mgrid[:60, :120]
        disc = ((rows - 29.5) ** 2 + (columns - 59.5) ** 2 < 20**2) * np.uint8(255)
        result = process(AspectAware(size=30), disc[..., np.newaxis]) > 127
        assert result.any(axis=0).sum() == result.any(axis=1).sum() == 20
        np.testing.assert_array_equal(result, result[::-1, ::-1])

    def test_images_of_many_sizes_become_one_array(self):
        images = [random_image(*size) for size in [(5, 9), (9, 5), (7, 7)]]
        assert AspectAware(size=6)(images).shape == (3, 6, 6, 3)


class TestSimple:
    @pytest.mark.parametrize(
        ("image", "size", "expected"),
        [
            (picture(2, 3), (2, 3), [[0, 1, 2], [10, 11, 12]]),
            # By area: means of blocks, whatever that does to the aspect ratio.
            (picture(2, 4), (2, 2), [[0, 2], [10, 12]]),
            (picture(4, 2), (1, 2), [[15, 16]]),
            (np.array([[[0], [100]], [[40], [60]]], np.uint8), 1, [[50]]),
        ],
    )
    def test_both_sides_are_resized_whatever_the_aspect_ratio(self, image, size, expected):
        # Halves are rounded to even by OpenCV: 0.5 to 0, 2.5 to 2.
        assert process(Simple(size=size), image).tolist() == expected

    def test_interpolation_can_be_chosen(self):
        image = picture(4, 4)
        nearest = process(Simple(size=2, interpolation="nearest"), image)
        assert nearest.tolist() == [[11, 13], [31, 33]]
        assert set(nearest.ravel()) <= set(image.ravel())

    @settings(max_examples=50, deadline=None)
    @given(*[st.integers(1, 50)] * 4)
    def test_every_image_gets_exactly_the_size(self, height, width, rows, columns):
        result = process(Simple(size=(rows, columns)), random_image(height, width))
        assert result.shape == (rows, columns, 3)

    def test_an_image_of_one_color_keeps_it(self):
        image = np.full((7, 13, 3), [10, 20, 255], np.uint8)
        assert (process(Simple(size=(20, 3)), image) == [10, 20, 255]).all()


class TestPatch:
    def test_in_training_it_cuts_every_region_alike_often(self):
        image, rng, step = picture(5, 4), np.random.default_rng(0), Patch(size=(3, 2))
        corners = []
        for _ in range(1800):
            region = process(step, image, rng)
            top, left = divmod(int(region[0, 0]), 10)
            np.testing.assert_array_equal(region, image[top : top + 3, left : left + 2, 0])
            corners.append((top, left))
        places, counts = np.unique(corners, axis=0, return_counts=True)
        assert places.tolist() == [[top, left] for top in range(3) for left in range(3)]
        # 200 each are expected; 5 standard deviations are 67.
        assert np.abs(counts - 200).max() < 67

    def test_each_image_of_a_batch_gets_a_region_of_its_own(self):
        batch = np.stack([picture(10, 10)] * 30)
        regions = Patch(size=3)(batch, np.random.default_rng(1))
        assert len({region.tobytes() for region in regions}) > 15

    def test_the_same_generator_gives_the_same_regions(self):
        batch = np.stack([picture(10, 10)] * 8)
        one, same, other = (Patch(size=4)(batch, np.random.default_rng(s)) for s in (1, 1, 2))
        np.testing.assert_array_equal(one, same)
        assert not np.array_equal(one, other)

    def test_a_region_as_large_as_the_image_is_the_image(self):
        image = random_image(6, 9)
        cut = process(Patch(size=(6, 9)), image, np.random.default_rng(0))
        np.testing.assert_array_equal(cut, image)

    def test_it_resizes_when_not_training(self):
        image = random_image(12, 20)
        np.testing.assert_array_equal(
            process(Patch(size=(6, 10)), image), process(Simple(size=(6, 10)), image)
        )
        small = process(Patch(size=9), random_image(4, 5))
        assert small.shape == (9, 9, 3)

    @pytest.mark.parametrize("size", [(20, 40), (40, 20), (31, 31)])
    def test_a_smaller_image_is_an_error_with_its_cure(self, size):
        batch = [random_image(40, 40), random_image(*size)]
        with pytest.raises(ImageError) as caught:
            Patch(size=32)(batch, np.random.default_rng(0))
        assert str(caught.value) == (
            f"patch: an image of {size[0]} x {size[1]} pixels is smaller than the patch "
            "(32 x 32); put aspect_aware before patch, or choose a smaller size"
        )
        assert caught.value.index == 1

    @pytest.mark.parametrize(("size", "expected"), [((224, 64), (252, 72)), ((8, 227), (9, 255))])
    def test_it_wants_images_an_eighth_larger(self, size, expected):
        assert Patch().source_size(size) == expected

    @pytest.mark.parametrize("channels", [1, 3])
    def test_padding_shifts_images_of_its_own_size(self, channels):
        image = np.random.default_rng(0).integers(0, 256, (4, 5, channels), np.uint8)
        padded = np.pad(image, ((2, 2), (2, 2), (0, 0)), "reflect")
        possible = [padded[t : t + 4, c : c + 5] for t in range(5) for c in range(5)]
        step = Patch(size=(4, 5), padding=2)
        found = step(np.repeat(image[np.newaxis], 500, axis=0), np.random.default_rng(1))

        counts = [(found == region).all(axis=(1, 2, 3)).sum() for region in possible]
        assert sum(counts) == 500
        assert min(counts) > 5  # 20 are expected of each.
        np.testing.assert_array_equal(step(image[np.newaxis]), image[np.newaxis])
        assert step.source_size((4, 5)) == (4, 5)


@pytest.mark.parametrize("name", ["simple", "aspect_aware", "patch"])
class TestSizes:
    def test_an_open_size_is_filled_in_and_a_written_one_stays(self, name):
        step = registry.create("preprocessor", name)
        assert step.output_shape((None, 7, 3)) == (None, 7, 3)
        sized = step.with_output_size((4, 6))
        assert sized.size == (4, 6)
        assert sized.output_shape((None, None, 1)) == (4, 6, 1)
        assert sized.with_output_size((9, 9)) == sized
        assert step.size is None

    def test_one_number_is_a_square(self, name):
        step = registry.create("preprocessor", f"{name}(size=5)")
        assert step.output_shape((9, 8, 3)) == (5, 5, 3)
        assert process(step, random_image(9, 8)).shape == (5, 5, 3)

    @pytest.mark.parametrize("channels", [1, 3, 4])
    def test_channels_stay(self, name, channels):
        step = registry.create("preprocessor", f"{name}(size=5)")
        assert step(np.zeros((2, 9, 8, channels), np.uint8)).shape == (2, 5, 5, channels)

    def test_the_source_is_left_as_it_is(self, name):
        step = registry.create("preprocessor", f"{name}(size=5)")
        batch = np.stack([random_image(9, 8, seed) for seed in range(3)])
        before = batch.copy()
        step(batch, np.random.default_rng(0))[:] = 0
        np.testing.assert_array_equal(batch, before)
