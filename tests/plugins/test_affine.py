"""Warps, against images computed by hand and against what Keras and SciPy make of them."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras.src.legacy.preprocessing.image import apply_affine_transform
from scipy import ndimage

from dlcv import registry
from dlcv.data.fitting import learn
from dlcv.data.pipeline import Pipeline
from dlcv.errors import DlcvError
from dlcv.interfaces import PreparationContext
from dlcv_plugins.preprocessors.affine import (
    Affine,
    compose,
    rotation,
    shear,
    shear_x,
    shear_y,
    translation,
    warp,
    zoom,
)

FILL_MODES = ["nearest", "constant", "reflect", "wrap"]
SQUARE = np.add.outer(np.arange(10, 50, 10), np.arange(1, 5)).astype(np.uint8)
"""4 x 4, row and column of each pixel counted from 1: 34 is in row 3 and column 4."""


def smooth_image(height, width, seed=0):
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    blurred = cv2.GaussianBlur(noise, (0, 0), 4)
    return cv2.normalize(blurred, None, 0, 255, cv2.NORM_MINMAX)


def warped(image, matrices, *options):
    (result,) = warp(image[np.newaxis, ..., np.newaxis], matrices, *options)
    return result[..., 0].tolist()


class TestWarpByHand:
    @pytest.mark.parametrize(
        ("matrix", "expected"),
        [
            # A quarter turn counter-clockwise: the last column becomes the first row.
            (
                rotation(90),
                [[14, 24, 34, 44], [13, 23, 33, 43], [12, 22, 32, 42], [11, 21, 31, 41]],
            ),
            (rotation(-180), SQUARE[::-1, ::-1].tolist()),
            # To the right and down.
            (translation(1, 0), [[0, *row[:3]] for row in SQUARE.tolist()]),
            (translation(0, 2), [[0] * 4, [0] * 4, *SQUARE[:2].tolist()]),
            # The rows lie 1.5 and 0.5 above and below the center.
            (
                shear_x(2),
                [[0, 0, 0, 11], [0, 21, 22, 23], [32, 33, 34, 0], [44, 0, 0, 0]],
            ),
            (
                shear_y(2),
                [[0, 0, 23, 44], [0, 12, 33, 0], [0, 22, 43, 0], [11, 32, 0, 0]],
            ),
            # The middle 2 x 2 twice as large, without values in between.
            (zoom(2, 2), [[22, 22, 23, 23]] * 2 + [[32, 32, 33, 33]] * 2),
            (zoom(1, 2), np.repeat(SQUARE[1:3], 2, axis=0).tolist()),
        ],
    )
    def test_matrices_do_what_they_say(self, matrix, expected):
        assert warped(SQUARE, matrix, "constant", 0, "nearest") == expected

    @pytest.mark.parametrize(
        ("fill_mode", "expected"),
        [
            ("nearest", [1, 1, 1, 2, 3]),
            ("constant", [9, 9, 1, 2, 3]),
            ("reflect", [2, 1, 1, 2, 3]),
            ("wrap", [4, 5, 1, 2, 3]),
        ],
    )
    def test_what_comes_in_from_outside(self, fill_mode, expected):
        row = np.array([[1, 2, 3, 4, 5]], np.uint8)
        assert warped(row, translation(2, 0), fill_mode, 9) == [expected]

    def test_between_pixels_values_are_in_between(self):
        row = np.array([[0, 100, 200, 248]], np.uint8)
        assert warped(row, translation(-0.5, 0)) == [[50, 150, 224, 248]]
        assert warped(row, translation(-0.25, 0)) == [[25, 125, 212, 248]]

    def test_the_first_of_several_is_done_first(self):
        moved_then_turned = compose(translation(1, 0), rotation(90))
        expected = np.rot90(np.pad(SQUARE, ((0, 0), (1, 0)))[:, :4])
        assert warped(SQUARE, moved_then_turned, "constant") == expected.tolist()
        turned_then_moved = compose(rotation(90), translation(1, 0))
        expected = np.pad(np.rot90(SQUARE), ((0, 0), (1, 0)))[:, :4]
        assert warped(SQUARE, turned_then_moved, "constant") == expected.tolist()

    def test_a_color_fills_channel_by_channel(self):
        (result,) = warp(np.zeros((1, 1, 2, 3), np.uint8), translation(1, 0), "constant", (7, 8, 9))
        assert result.tolist() == [[[7, 8, 9], [0, 0, 0]]]

    def test_each_image_has_a_matrix_and_a_size_of_its_own(self):
        wide, high = smooth_image(4, 9), smooth_image(9, 4)
        quarter, left = rotation([0, 180]), translation([3, 0], [0, 0])
        results = warp([wide, high], compose(left, quarter), "wrap")
        np.testing.assert_array_equal(results[0], np.roll(wide, 3, axis=1))
        np.testing.assert_array_equal(results[1], high[::-1, ::-1])


# Keras takes it from where SciPy had it before.
@pytest.mark.filterwarnings("ignore:Please import `affine_transform`")
@pytest.mark.parametrize("fill_mode", FILL_MODES)
@pytest.mark.parametrize(
    "changes",
    [
        {"theta": 25},
        {"tx": 4.3},
        {"ty": -3.6},
        {"shear": 20},
        {"zx": 0.7},
        {"zy": 1.3},
        {"theta": -20, "tx": 5.5, "ty": -3, "shear": 12, "zx": 0.8, "zy": 1.2},
    ],
    ids=str,
)
def test_it_is_the_warp_of_keras(changes, fill_mode):
    # Keras takes the center of a square; that of other images it mistakes. For the colors between
    # the edge and what is outside, SciPy has modes of other names.
    image = smooth_image(60, 60)
    reference = {"constant": "grid-constant", "wrap": "grid-wrap"}.get(fill_mode, fill_mode)
    expected = apply_affine_transform(
        image.astype(np.float32),
        row_axis=0,
        col_axis=1,
        channel_axis=2,
        fill_mode=reference,
        cval=7,
        **changes,
    )
    values = {"theta": 0, "tx": 0, "ty": 0, "shear": 0, "zx": 1, "zy": 1} | changes
    matrices = compose(
        rotation(values["theta"]),
        translation(-values["tx"], -values["ty"]),
        shear(values["shear"]),
        zoom(1 / values["zx"], 1 / values["zy"]),
    )
    (result,) = warp(image[np.newaxis], matrices, fill_mode, 7)
    # Half a grey level is lost by rounding; OpenCV 4 takes places by 1/32 of a pixel.
    np.testing.assert_allclose(result, expected, atol=1 if cv2.__version__ >= "5" else 4)


@pytest.mark.filterwarnings("ignore:Please import `affine_transform`")
def test_the_steps_follow_each_other_as_in_keras():
    class Dice:
        def uniform(self, low, high, shape):
            assert (low, high, shape) == (-1, 1, (6, 1))
            return np.array([[0.5], [-0.6], [0.7], [0.8], [-0.4], [0.9]])

    image = smooth_image(60, 60)
    step = Affine(rotation=40, width_shift=0.1, height_shift=0.2, shear=30, zoom=0.5)
    expected = apply_affine_transform(
        image.astype(np.float32),
        theta=20,
        tx=3.6,
        ty=-8.4,
        shear=24,
        zx=0.8,
        zy=1.45,
        row_axis=0,
        col_axis=1,
        channel_axis=2,
    )
    np.testing.assert_allclose(step(image[np.newaxis], Dice())[0], expected, atol=1)


@pytest.mark.parametrize("size", [(40, 71), (65, 30)])
def test_images_that_are_no_squares_turn_about_their_centre(size):
    image = smooth_image(*size)
    matrix = compose(rotation(33), zoom(1.2, 0.9))
    # SciPy counts rows first.
    by_rows = matrix[0, ::-1, 1::-1]
    center = (np.array(size) - 1) / 2
    expected = [
        ndimage.affine_transform(
            image[..., channel].astype(float),
            by_rows,
            center - by_rows @ center,
            order=1,
            mode="nearest",
        )
        for channel in range(3)
    ]
    (result,) = warp(image[np.newaxis], matrix)
    np.testing.assert_allclose(result, np.stack(expected, axis=-1), atol=1)


def blob(x, y, size=65, width=3.0):
    """A round spot, `(x, y)` from the center."""
    rows, columns = np.mgrid[:size, :size] - (size - 1) / 2
    spot = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * width**2))
    return np.rint(255 * spot).astype(np.uint8)[..., np.newaxis]


def places(step, image, draws=600):
    """Where a spot is after each of many draws: `(x, y)` from the center, two arrays."""
    batch = np.repeat(image[np.newaxis], draws, axis=0)
    pixels = step(batch, np.random.default_rng(0))[..., 0].astype(float)
    total = pixels.sum(axis=(1, 2))
    down, right = (np.arange(size) - (size - 1) / 2 for size in image.shape[:2])
    return (pixels.sum(axis=1) @ right) / total, (pixels.sum(axis=2) @ down) / total


def assert_spread(values, lowest, highest):
    """The values are spread evenly over a range."""
    quantiles = np.quantile((values - lowest) / (highest - lowest), [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(quantiles, [0, 0.25, 0.5, 0.75, 1], atol=0.08)


class TestAmounts:
    def test_rotation_is_to_either_side_in_degrees(self):
        x, y = places(Affine(rotation=30), blob(20, 0))
        assert_spread(np.rad2deg(np.arctan2(-y, x)), -30, 30)
        np.testing.assert_allclose(np.hypot(x, y), 20, atol=0.2)

    def test_shifts_are_fractions_of_the_sides(self):
        # 65 high and 45 wide.
        high = blob(0, 0)[:, 10:-10]
        x, y = places(Affine(width_shift=0.2), high)
        assert_spread(x, -9, 9)
        np.testing.assert_allclose(y, 0, atol=0.1)
        x, y = places(Affine(height_shift=0.1), high)
        assert_spread(y, -6.5, 6.5)
        np.testing.assert_allclose(x, 0, atol=0.1)

    def test_shear_is_in_degrees_and_keeps_rows(self):
        # 0.2 radians, the book's setting.
        x, y = places(Affine(shear=11.46), blob(0, 16))
        assert_spread(np.rad2deg(np.arctan2(x, y)), -11.46, 11.46)
        assert y.min() > 15.9
        assert y.max() < 16 / np.cos(0.2) + 0.1

    def test_zoom_is_by_side_and_of_what_is_shown(self):
        x, y = places(Affine(zoom=0.2), blob(15, 15))
        assert_spread(15 / x, 0.8, 1.2)
        assert_spread(15 / y, 0.8, 1.2)
        assert abs(np.corrcoef(x, y)[0, 1]) < 0.2

    def test_only_what_is_given_is_done_and_without_anything_the_usual(self):
        assert Affine(rotation=0)(SQUARE[None, ..., None], np.random.default_rng(0)).tolist() == (
            SQUARE[None, ..., None].tolist()
        )
        assert str(registry.spec_of(Affine())) == (
            "affine(rotation=15.0, width_shift=0.1, height_shift=0.1, zoom=0.1, "
            "fill_mode=nearest, interpolation=linear)"
        )
        assert "shift" not in str(registry.spec_of(Affine(rotation=10)))


class TestFill:
    IMAGES = np.stack([np.full((6, 6, 3), color, np.uint8) for color in ([0, 90, 5], [9, 91, 255])])

    def context(self):
        return PreparationContext((6, 6), lambda: iter([self.IMAGES[:1], self.IMAGES[1:]]))

    def test_a_constant_is_the_training_mean_if_not_given(self):
        step = Affine(width_shift=1, fill_mode="constant").prepare(self.context())
        # Halves are rounded to even.
        assert step.state_dict()["mean"].tolist() == [4, 90, 130]
        results = step(np.full((50, 6, 6, 3), 200, np.uint8), np.random.default_rng(0))
        assert (results == [4, 90, 130]).all(axis=-1).any()
        again = Affine(width_shift=1, fill_mode="constant").with_state(step.state_dict())
        assert again.prepare(None) is again

    @pytest.mark.parametrize("options", [{}, {"fill_mode": "constant", "fill_value": 0}])
    def test_no_pass_over_the_images_where_it_is_not_needed(self, options):
        step = Affine(**options)
        assert step.prepare(PreparationContext((6, 6), lambda: 1 / 0)) is step

    @pytest.mark.parametrize(("value", "level"), [(128, [128] * 3), ((1, 2, 3), [1, 2, 3])])
    def test_a_constant_can_be_given(self, value, level):
        step = Affine(width_shift=1, fill_mode="constant", fill_value=value)
        results = step(self.IMAGES.repeat(20, axis=0), np.random.default_rng(0))
        assert (results == level).all(axis=-1).any()

    def test_a_color_for_grey_images_is_an_error_with_its_cure(self):
        step = Affine(fill_mode="constant", fill_value=(1, 2, 3))
        with pytest.raises(
            DlcvError,
            match="affine: a fill_value of 3 channels does not fit images of 1; give one number",
        ):
            step(np.zeros((2, 6, 6, 1), np.uint8), np.random.default_rng(0))

    def test_a_mean_that_is_not_known_is_an_error(self):
        with pytest.raises(DlcvError, match="affine: the mean to fill with is not known yet; give"):
            Affine(fill_mode="constant")(self.IMAGES, np.random.default_rng(0))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=4),
    st.sampled_from(FILL_MODES),
    st.sampled_from([1, 3]),
    st.integers(0, 9),
)
def test_images_of_any_size_keep_it_and_their_range(sizes, fill_mode, channels, seed):
    images = [np.full((*size, channels), 100, np.uint8) for size in sizes]
    fill = {"fill_value": 100} if fill_mode == "constant" else {}
    step = Affine(shear=40, zoom=0.9, rotation=180, fill_mode=fill_mode, **fill)
    results = step(images, np.random.default_rng(seed))
    # An image of one color stays one, whatever comes in.
    for image, result in zip(images, results, strict=True):
        np.testing.assert_array_equal(result, image)


def test_arrays_lists_and_views_give_the_same():
    batch = np.stack([smooth_image(20, 30, seed) for seed in range(4)])
    expected = Affine()(batch, np.random.default_rng(0))
    cut_out = np.pad(batch, 1)[1:-1, 1:-1, 1:-1, 1:-1]
    for same in (list(batch), batch[:, ::-1].copy()[:, ::-1], cut_out):
        np.testing.assert_array_equal(Affine()(same, np.random.default_rng(0)), expected)


def test_each_image_is_warped_in_another_way():
    batch = np.repeat(smooth_image(20, 30)[np.newaxis], 8, axis=0)
    results = Affine()(batch, np.random.default_rng(0))
    assert len({result.tobytes() for result in results}) == 8


@pytest.mark.parametrize("text", ["affine", "affine(fill_mode=constant)"])
def test_outside_training_nothing_is_done(text):
    batch = smooth_image(20, 30)[np.newaxis]
    np.testing.assert_array_equal(registry.create("preprocessor", text)(batch), batch)


@pytest.mark.parametrize(
    "text",
    [
        "rotation=-1",
        "rotation=181",
        "width_shift=1.1",
        "height_shift=-0.1",
        "shear=90",
        "zoom=1",
        "zoom=-0.1",
        "fill_mode=edge",
        "fill_value=0",
        "fill_value=256",
        "fill_value=(0, -1, 0)",
        "fill_value=0.5",
        "interpolation=cubic",
    ],
)
def test_bad_options_are_refused(text):
    with pytest.raises(DlcvError, match=text.partition("=")[0]):
        registry.create("preprocessor", f"affine({text})")


def test_a_mean_of_images_that_differ_in_size_is_an_error_with_its_cure():
    photos = TestFill.IMAGES

    class Photos:
        image_shape = (None, None, 3)

        def __len__(self):
            return 2

        def read(self, indices):
            return [photos[index][: 5 + index] for index in indices]

    with pytest.raises(DlcvError, match=r"^the images differ in size; put aspect_aware first"):
        learn(Pipeline.of([Affine(fill_mode="constant")]), Photos(), (6, 6), threads=1)
