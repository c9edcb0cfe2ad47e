"""Augmentation around the mean image: that of images from which the mean is subtracted first."""

import cv2
import numpy as np
import pytest
from keras.src.legacy.preprocessing.image import apply_affine_transform

from dlcv import registry
from dlcv.data.pipeline import states_of, with_states
from dlcv.errors import DlcvError
from dlcv.interfaces import PreparationContext

SIZE = 12
SHIFTS = "affine(width_shift=0.2, height_shift=0.2)"


def photographs(count=40):
    """Images whose mean image varies by place, and that leave it by few grey levels."""
    place = np.add.outer(np.linspace(60, 150, SIZE), np.linspace(0, 50, SIZE))
    rest = np.random.default_rng(5).normal(0, 12, (count, SIZE, SIZE, 3))
    return np.clip(place[..., np.newaxis] + rest, 0, 255).astype(np.uint8)


def prepared(text, images):
    step = registry.create("preprocessor", text)
    return step.prepare(PreparationContext((SIZE, SIZE), lambda: iter([images[:25], images[25:]])))


def shifted_by_keras(image, right, down):
    """The book's generator shifts floats, whose mean is zero everywhere."""
    return apply_affine_transform(
        image, tx=right, ty=down, row_axis=0, col_axis=1, channel_axis=2, fill_mode="nearest",
        order=1,
    )  # fmt: skip


@pytest.mark.filterwarnings("ignore:Please import `affine_transform`")
def test_shifts_are_those_of_keras_after_the_mean_is_subtracted():
    images = photographs()
    mean = images.astype(float).mean(axis=0)
    found = prepared(f"around_mean(step={SHIFTS})", images)(images, np.random.default_rng(8))
    _, right, down, *_ = np.random.default_rng(8).uniform(-1, 1, (6, len(images)))
    expected = [
        shifted_by_keras(image - mean, -0.2 * SIZE * r, -0.2 * SIZE * d)
        for image, r, d in zip(images, right, down, strict=True)
    ]
    # OpenCV finds places between pixels to 1/32; the means are rounded to grey levels.
    difference = np.abs(found - mean - np.array(expected))
    assert difference.mean() < 0.6
    assert difference.max() < 4
    plain = registry.create("preprocessor", SHIFTS)(images, np.random.default_rng(8))
    assert np.abs(plain - mean - np.array(expected)).mean() > 5


def test_flips_are_exact_where_nothing_leaves_the_grey_levels():
    images = photographs()
    mean = np.rint(images.astype(float).mean(axis=0)).astype(int)
    found = prepared("around_mean(step=flip)", images)(images, np.random.default_rng(3))
    flipped = np.random.default_rng(3).random((2, len(images)))[0] < 0.5
    assert 5 < flipped.sum() < 35
    rest = images - mean
    rest[flipped] = rest[flipped, :, ::-1]
    np.testing.assert_array_equal(found, np.clip(mean + rest, 0, 255))


def test_steps_one_after_the_other_leave_the_mean_image_at_its_place():
    images = photographs(400)
    found, rng = images, np.random.default_rng(0)
    for text in (f"around_mean(step={SHIFTS})", "around_mean(step=flip)"):
        found = prepared(text, images)(found, rng)
    mean = prepared("mean(per=pixel)", images).values
    # Moved with the images, it would leave up to 26 grey levels of itself on average.
    assert np.abs((found - mean).mean(axis=0)).max() < 3
    for step in registry.create_list("preprocessor", f"{SHIFTS}, flip"):
        images = step(images, rng)
    assert np.abs((images - mean).mean(axis=0)).max() > 20


def test_nothing_happens_outside_training():
    images = photographs()
    assert prepared("around_mean(step=flip)", images)(images) is images


def test_the_mean_image_is_kept_with_a_run():
    images = photographs()
    step = prepared("around_mean(step=flip)", images)
    (loaded,) = with_states(
        [registry.create("preprocessor", "around_mean(step=flip)")], states_of([step])
    )
    np.testing.assert_array_equal(
        loaded(images, np.random.default_rng(1)), step(images, np.random.default_rng(1))
    )


@pytest.mark.parametrize("text", ["scale", "mean", "mixup", "cutmix", "alternating_flip"])
def test_steps_that_move_no_pixels_are_refused(text):
    with pytest.raises(DlcvError, match="does not move pixels"):
        registry.create("preprocessor", f"around_mean(step={text})")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("affine(fill_mode=constant)", "learns from images itself; name its values"),
        ("patch(size=6)", "changes the size"),
    ],
)
def test_steps_with_a_mean_or_a_size_of_their_own_are_refused(text, problem):
    with pytest.raises(DlcvError, match=problem):
        prepared(f"around_mean(step={text})", photographs())


def test_images_of_another_size_get_the_mean_image_in_theirs():
    step = prepared("around_mean(step=flip)", photographs())
    large = cv2.resize(step.mean, (2 * SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
    brighter = np.repeat(large[np.newaxis] + np.uint8(7), 9, axis=0)
    np.testing.assert_array_equal(step(brighter, np.random.default_rng(0)), brighter)
    both = [brighter[0], photographs()[0]]
    assert [i.shape for i in step(both, np.random.default_rng(0))] == [i.shape for i in both]


def test_what_it_cannot_do_is_an_error_with_its_cure():
    with pytest.raises(DlcvError, match="images of 1 channels do not fit a mean image of 3"):
        prepared("around_mean(step=flip)", photographs())(
            photographs()[..., :1], np.random.default_rng(0)
        )
    with pytest.raises(DlcvError, match="call prepare with training images"):
        registry.create("preprocessor", "around_mean(step=flip)")(
            photographs(), np.random.default_rng(0)
        )
