"""The single operations against Pillow's, on which the papers' figures rest, and by hand."""

import colorsys
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps
from sklearn.datasets import load_sample_image

from dlcv_plugins.preprocessors import operations

FACTORS = [*np.linspace(0, 2, 11), *np.random.default_rng(1).uniform(0, 2, 6)]
SHEARS = np.linspace(-0.99, 0.99, 13)
PIXELS = range(-33, 34, 3)
# How far Pillow's result is from ours where a place lies on the edge between two pixels.
NEARBY = list(itertools.product((0, -0.004, 0.004), repeat=2))


def images():
    """Photos and drawings of several sizes, `(H, W, C)`."""
    flower, china = load_sample_image("flower.jpg"), load_sample_image("china.jpg")
    rng = np.random.default_rng(0)
    return {
        "photo": flower[:220, :300],
        "tower": china[100:137, 200:253],
        "grey": flower[:100, :120, 1:2],
        "noise": rng.integers(0, 256, (32, 32, 3), np.uint8),
        "dull": rng.integers(90, 140, (40, 30, 3), np.uint8),
        "flat": np.full((20, 20, 3), 77, np.uint8),
        "stripes": np.tile(np.uint8([[[0]], [[255]]]), (10, 20, 3)),
        "tiny": rng.integers(0, 256, (2, 5, 3), np.uint8),
    }


@pytest.fixture(params=images(), scope="module")
def image(request):
    return images()[request.param]


def pillow(image):
    return Image.fromarray(image if image.shape[2] == 3 else image[..., 0])


def ours(name, image, value, fill=0):
    (result,) = operations.apply(image[np.newaxis], [name], [value], fill)
    return result


def one_pixel(*channels):
    return np.uint8(channels).reshape(1, 1, 1, -1)


def computed(operation, images, value):
    return operation(images, np.array([value]))[0].reshape(-1).tolist()


class TestAgainstPillow:
    @pytest.mark.parametrize(
        ("name", "reference", "values"),
        [
            ("auto_contrast", lambda image, value: ImageOps.autocontrast(image), [0]),
            ("equalize", lambda image, value: ImageOps.equalize(image), [0]),
            ("solarize", ImageOps.solarize, [0, 1, 77, 128, 200, 255, 256]),
            ("posterize", ImageOps.posterize, range(1, 9)),
        ],
    )
    def test_tables_are_the_same_to_the_last_bit(self, image, name, reference, values):
        for value in values:
            expected = np.asarray(reference(pillow(image), value)).reshape(image.shape)
            np.testing.assert_array_equal(ours(name, image, value), expected)

    @pytest.mark.parametrize("name", ["color", "contrast", "brightness", "sharpness"])
    def test_enhancements_are_the_same_but_for_one_level_in_few_pixels(self, image, name):
        enhancer = getattr(ImageEnhance, name.capitalize())(pillow(image))
        unequal = []
        for factor in FACTORS:
            expected = np.asarray(enhancer.enhance(factor)).reshape(image.shape)
            difference = np.abs(ours(name, image, factor).astype(int) - expected)
            assert difference.max() <= 1, factor
            unequal.append((difference > 0).mean())
        assert np.mean(unequal) < 0.01

    @pytest.mark.parametrize(
        ("name", "matrix", "values"),
        [
            ("shear_x", lambda value: (1, value, 0, 0, 1, 0), SHEARS),
            ("shear_y", lambda value: (1, 0, 0, value, 1, 0), SHEARS),
            ("translate_x", lambda value: (1, 0, -value, 0, 1, 0), PIXELS),
            ("translate_y", lambda value: (1, 0, 0, 0, 1, -value), PIXELS),
        ],
    )
    def test_shears_and_shifts_take_the_same_pixels(self, image, name, matrix, values):
        whole = pillow(image)
        for value in values:
            a, b, c, d, e, f = matrix(value)
            self.check_pixels(
                ours(name, image, value),
                [
                    whole.transform(
                        whole.size, Image.Transform.AFFINE, (a, b, c + right, d, e, f + down)
                    )
                    for right, down in NEARBY
                ],
            )

    @pytest.mark.parametrize("degrees", [0, 4, 7.3, 45, 90, 133, 180, -22, -90, -135])
    def test_rotations_take_the_same_pixels(self, image, degrees):
        whole = pillow(image)
        references = [whole.rotate(degrees, translate=place) for place in NEARBY]
        self.check_pixels(ours("rotate", image, degrees), references)

    def check_pixels(self, result, references):
        """Every pixel is one of Pillow's, and nearly all are the first's."""
        stacked = np.stack([np.asarray(r).reshape(result.shape) for r in references])
        same = (stacked == result).all(axis=-1)
        assert same.any(axis=0).all()
        assert same[0].mean() > 0.95 or result.size < 100

    def test_fill_is_what_comes_in(self):
        image = np.full((2, 4, 1), 200, np.uint8)
        right, up = ours("translate_x", image, 1, fill=128), ours("translate_y", image, -1, fill=9)
        assert right[..., 0].tolist() == [[128, 200, 200, 200]] * 2
        assert up[..., 0].tolist() == [[200] * 4, [9] * 4]


class TestByHand:
    def test_brightness_multiplies_and_stops_at_white(self):
        assert computed(operations.brightness, one_pixel(10, 100, 200), 1.5) == [15, 150, 255]
        assert computed(operations.brightness, one_pixel(10, 100, 200), 0.5) == [5, 50, 100]

    def test_contrast_moves_values_from_the_mean_grey(self):
        pair = np.uint8([50, 150]).reshape(1, 1, 2, 1)
        assert computed(operations.contrast, pair, 1.5) == [25, 175]
        assert computed(operations.contrast, pair, 0.5) == [75, 125]
        assert computed(operations.contrast, pair, 3.0) == [0, 250]

    def test_saturation_moves_channels_from_the_pixels_grey(self):
        # 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2
        assert computed(operations.saturation, one_pixel(200, 100, 50), 0.0) == [124, 124, 124]
        assert computed(operations.saturation, one_pixel(200, 100, 50), 0.5) == [162, 112, 87]
        assert computed(operations.saturation, one_pixel(200, 100, 50), 2.0) == [255, 76, 0]

    @pytest.mark.parametrize(
        ("turn", "expected"),
        [
            (0, [200, 100, 50]),
            # Thirds of the circle move the channels round; a half swaps light and dark ones.
            (1 / 3, [50, 200, 100]),
            (-1 / 3, [100, 50, 200]),
            (0.5, [50, 150, 200]),
            (-0.5, [50, 150, 200]),
            # From 20 degrees, a third up from red to yellow, to 30: half up.
            (10 / 360, [200, 125, 50]),
        ],
    )
    def test_hue_turns_by_a_fraction_of_the_circle(self, turn, expected):
        assert computed(operations.hue, one_pixel(200, 100, 50), turn) == expected

    @pytest.mark.parametrize("turn", [0.5, 0.21, -0.05, -0.4])
    def test_hue_is_turned_as_colorsys_does(self, image, turn):
        result = operations.hue(image[np.newaxis], np.array([turn]))[0]
        if image.shape[2] == 1:
            np.testing.assert_array_equal(result, image)
            return
        some = zip(image.reshape(-1, 3)[::23], result.reshape(-1, 3)[::23], strict=True)
        for pixel, found in some:
            h, s, v = colorsys.rgb_to_hsv(*(pixel / 255))
            expected = np.array(colorsys.hsv_to_rgb((h + turn) % 1, s, v)) * 255
            assert np.abs(found - expected).max() < 0.51

    def test_hue_of_a_large_image_is_turned_everywhere(self):
        large = np.broadcast_to(np.uint8([200, 100, 50]), (1, 300, 300, 3)).copy()
        turned = operations.hue(large, np.array([1 / 3]))
        assert (turned == [50, 200, 100]).all()

    def test_posterize_keeps_the_highest_bits(self):
        assert computed(operations.posterize, one_pixel(0, 63, 255), 2) == [0, 0, 192]
        assert computed(operations.posterize, one_pixel(64, 129, 254), 8) == [64, 129, 254]

    def test_solarize_inverts_from_the_threshold_on(self):
        assert computed(operations.solarize, one_pixel(99, 100, 255), 100) == [99, 155, 0]

    def test_auto_contrast_uses_the_whole_range_of_each_channel(self):
        image = np.uint8([[[50, 0], [100, 7], [150, 7]]])[..., [0, 0, 1]][np.newaxis]
        assert operations.auto_contrast(image, np.zeros(1))[0].tolist() == [
            [[0, 0, 0], [127, 127, 255], [255, 255, 255]]
        ]

    def test_equalize_spreads_values_by_their_frequency(self):
        # 256 values, half of them 10, half 11 and one 12: two steps of 128 pixels, and the rest.
        values = np.uint8([10] * 128 + [11] * 127 + [12]).reshape(1, 16, 16, 1)
        (result,) = operations.equalize(values, np.zeros(1))
        assert [np.unique(result[values[0] == v]).tolist() for v in (10, 11, 12)] == [
            [0],
            [128],
            [255],
        ]

    def test_sharpness_works_on_the_mean_of_neighbours_and_leaves_the_border(self):
        image = np.zeros((3, 3, 1), np.uint8)
        image[1, 1] = 130
        # 5/13 of 130 is 50; sharpened by 1.5, 130 + 0.5 * 80.
        assert ours("sharpness", image, 0.0)[1, 1] == 50
        assert ours("sharpness", image, 1.5)[1, 1] == 170
        assert ours("sharpness", image, 0.0).sum() == 50


class TestBatches:
    @settings(max_examples=60, deadline=None)
    @given(
        st.sampled_from(operations.NAMES),
        st.integers(1, 40),
        st.integers(1, 40),
        st.sampled_from([1, 3]),
        st.integers(0, 2**32),
    )
    def test_images_of_any_size_keep_it(self, name, height, width, channels, seed):
        rng = np.random.default_rng(seed)
        batch = rng.integers(0, 256, (3, height, width, channels), np.uint8)
        before = batch.copy()
        result = operations.apply(batch, [name] * 3, rng.integers(1, 9, 3), 0)
        assert result.shape == batch.shape
        assert result.dtype == np.uint8
        np.testing.assert_array_equal(batch, before)

    def test_each_image_gets_its_own_operation_and_value(self):
        rng = np.random.default_rng(0)
        # 40 x 44 pixels: several images, but not all of the same operation, are worked on at once.
        batch = rng.integers(0, 256, (60, 40, 44, 3), np.uint8)
        names = [operations.NAMES[i] for i in rng.integers(len(operations.NAMES), size=60)]
        values = rng.integers(1, 9, 60)
        together = operations.apply(batch, names, values, 9)
        listed = operations.apply(list(batch), names, values, 9)
        for i, (name, value) in enumerate(zip(names, values, strict=True)):
            alone = ours(name, batch[i], value, fill=9)
            np.testing.assert_array_equal(together[i], alone)
            np.testing.assert_array_equal(listed[i], alone)

    def test_grey_images_stay_as_they_are_without_colours_to_change(self):
        image = np.random.default_rng(0).integers(0, 256, (8, 9, 1), np.uint8)
        np.testing.assert_array_equal(ours("color", image, 0.0), image)

    def test_every_operation_of_the_papers_is_there_once(self):
        # Cubuk et al. 2019, section 3, figure 1.
        paper = (
            "identity auto_contrast equalize rotate solarize color posterize contrast brightness "
            "sharpness shear_x shear_y translate_x translate_y"
        )
        assert sorted(operations.NAMES) == sorted(paper.split())

    def test_cut_out_images_are_processed_like_their_copies(self):
        whole = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
        part = whole[3:15, 5:26]
        for name in operations.NAMES:
            np.testing.assert_array_equal(ours(name, part, 1.5), ours(name, part.copy(), 1.5))
