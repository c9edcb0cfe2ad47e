"""The pipeline: its order, its sizes, and what it learns from the training images."""

import logging

import numpy as np
import pytest
from in_memory import InMemory, numbered, of_sizes

from dlcv import registry
from dlcv.data.fitting import fit_to_input, learn
from dlcv.data.loader import Loader
from dlcv.data.pipeline import Pipeline, process_batch, refuse_views
from dlcv.errors import DlcvError, ImageError
from dlcv.interfaces import ImagePreprocessor, Preprocessor, option, plugin, stack
from dlcv_plugins.preprocessors.simple import Simple


def prepared(text, images, *, input_size=None, default_size=(8, 8), meant=True, threads=2):
    pipeline, size = fit_to_input(
        registry.create_list("preprocessor", text),
        images.image_shape,
        input_size=input_size,
        default_size=default_size,
        size_is_meant=meant,
    )
    return learn(pipeline.with_sizes(size), images, size, threads)


def canonical(pipeline):
    """The steps as text, without the options that these tests leave alone."""
    texts = [str(registry.registry.spec_of(step)) for step in pipeline.steps]
    text = ", ".join(texts)
    return (
        text.replace(", interpolation=area", "")
        .replace(", final_resize=False", "")
        .replace(", padding=0", "")
    )


UNIFORM = of_sizes((10, 12), (10, 12))
MIXED = of_sizes((10, 12), (20, 9), (31, 33))


class TestOrder:
    @pytest.mark.parametrize("text", ["mean, patch(size=6)", "patch(size=6), mean"])
    def test_value_steps_run_last_wherever_they_are_written(self, text):
        assert canonical(prepared(text, UNIFORM)) == "patch(size=6), mean(per=channel)"

    def test_either_order_gives_the_same_values(self):
        one = prepared("mean(per=pixel), patch(size=6)", UNIFORM)
        other = prepared("patch(size=6), mean(per=pixel)", UNIFORM)
        pixels = process_batch(UNIFORM, np.arange(2), one, None)
        np.testing.assert_array_equal(pixels, process_batch(UNIFORM, np.arange(2), other, None))
        np.testing.assert_array_equal(one.values(pixels), other.values(pixels))

    def test_steps_of_one_part_keep_their_order(self):
        text = "scale, simple(size=9), mean, aspect_aware(size=7)"
        names = [spec.split("(")[0] for spec in canonical(prepared(text, UNIFORM)).split(", ")]
        assert names == ["simple", "aspect_aware", "scale", "mean"]


class TestSizes:
    @pytest.mark.parametrize(
        ("text", "options", "expected"),
        [
            # An open size: the configuration's, else the network's.
            ("simple", {"input_size": (6, 7)}, "simple(size=(6, 7))"),
            ("simple", {}, "simple(size=(8, 8))"),
            ("aspect_aware", {"default_size": (5, 4)}, "aspect_aware(size=(5, 4))"),
            # A size that is written stays.
            ("simple(size=5)", {}, "simple(size=5)"),
            ("simple(size=5)", {"input_size": (5, 5)}, "simple(size=5)"),
            # What comes before a patch is an eighth larger than the patch.
            ("aspect_aware, patch", {}, "aspect_aware(size=(9, 9)), patch(size=(8, 8))"),
            (
                "aspect_aware, patch",
                {"input_size": (224, 192)},
                "aspect_aware(size=(252, 216)), patch(size=(224, 192))",
            ),
            ("aspect_aware, patch(size=16)", {}, "aspect_aware(size=(18, 18)), patch(size=16)"),
            # And before crops.
            ("aspect_aware, crop", {}, "aspect_aware(size=(9, 9)), crop(size=(8, 8), mirror=True)"),
            (
                "aspect_aware(size=30), patch",
                {"input_size": (24, 24)},
                "aspect_aware(size=30), patch(size=(24, 24))",
            ),
        ],
    )
    @pytest.mark.parametrize("images", [UNIFORM, MIXED], ids=["uniform", "mixed"])
    def test_sizes_are_filled_in(self, images, text, options, expected):
        assert canonical(prepared(text, images, **options)) == expected

    @pytest.mark.parametrize("text", ["", "mean", "scale"])
    def test_images_of_one_size_keep_it_where_nothing_resizes(self, text):
        pipeline = prepared(text, UNIFORM)
        assert pipeline.pixel_steps == ()
        assert pipeline.output_shape(UNIFORM.image_shape) == (10, 12, 3)

    def test_images_of_one_size_are_resized_to_an_input_size_that_differs(self, caplog):
        caplog.set_level(logging.INFO, "dlcv")
        assert canonical(prepared("", UNIFORM, input_size=(6, 6))) == "aspect_aware(size=(6, 6))"
        assert "added aspect_aware(size=(6, 6)" in caplog.text

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", "aspect_aware(size=(8, 8))"),
            ("patch", "aspect_aware(size=(9, 9)), patch(size=(8, 8))"),
            ("patch(size=16)", "aspect_aware(size=(18, 18)), patch(size=16)"),
        ],
    )
    def test_images_of_many_sizes_get_aspect_aware_first_and_it_is_said(
        self, text, expected, caplog
    ):
        caplog.set_level(logging.INFO, "dlcv")
        pipeline = prepared(text, MIXED)
        assert canonical(pipeline) == expected
        assert "the images differ in size" in caplog.text
        assert str(registry.registry.spec_of(pipeline.pixel_steps[0])) in caplog.text

    def test_training_works_on_images_smaller_than_the_patch(self):
        images = of_sizes((10, 12), (3, 9), (5, 5))
        loader = Loader(images, prepared("patch", images), batch_size=3, threads=1, seed=0)
        (pixels, _), *_ = loader.epoch()
        assert pixels.shape == (3, 8, 8, 3)

    @pytest.mark.parametrize("text", ["simple", "aspect_aware(size=9), patch(size=6)"])
    def test_nothing_is_added_where_a_step_resizes(self, text, caplog):
        caplog.set_level(logging.INFO, "dlcv")
        assert len(prepared(text, MIXED).pixel_steps) == len(text.split(", "))
        assert not caplog.text

    @pytest.mark.parametrize("text", ["simple(size=5)", "patch(size=5)", "simple, patch(size=5)"])
    @pytest.mark.parametrize("images", [UNIFORM, MIXED], ids=["uniform", "mixed"])
    def test_two_sizes_that_contradict_each_other_are_an_error(self, images, text):
        with pytest.raises(DlcvError, match="end with 5 x 5 pixels, but input_size is 6 x 7"):
            prepared(text, images, input_size=(6, 7))


class TestStatistics:
    def test_the_mean_is_that_of_the_deterministic_pixels(self):
        # Halving by area averages blocks of 2 x 2 pixels.
        image = np.zeros((4, 4, 3), np.uint8)
        image[:2, :2] = [10, 20, 30]
        image[:2, 2:] = [50, 60, 70]
        other = np.full((4, 4, 3), 100, np.uint8)
        pipeline = prepared("mean(per=pixel), simple(size=2)", InMemory([image, other]))
        (mean,) = (step.state_dict()["values"] for step in pipeline.value_steps)
        assert mean[0, 0].tolist() == [55, 60, 65]
        assert mean[0, 1].tolist() == [75, 80, 85]
        assert mean[1, 0].tolist() == mean[1, 1].tolist() == [50, 50, 50]

    @pytest.mark.parametrize("threads", [1, 5])
    def test_every_training_image_counts_once(self, threads):
        images = numbered(201, size=(1, 1))
        pipeline = prepared("mean", images, threads=threads)
        (mean,) = (step.state_dict()["values"] for step in pipeline.value_steps)
        assert mean.tolist() == [100, 100, 100]
        assert sorted(images.reads) == list(range(201))

    def test_a_patch_is_resized_not_cut_while_learning(self):
        image = np.zeros((4, 4, 3), np.uint8)
        image[0, 0] = 160  # a cut would have it whole or not at all
        pipeline = prepared("patch(size=2), mean", InMemory([image, image]))
        (mean,) = (step.state_dict()["values"] for step in pipeline.value_steps)
        assert mean.tolist() == [10, 10, 10]

    def test_a_value_step_learns_from_what_reaches_it(self):
        pipeline = prepared("scale(factor=0.5), mean", numbered(5))
        assert pipeline.value_steps[1].state_dict()["values"].tolist() == [1, 1, 1]
        pixels = process_batch(numbered(5), np.arange(5), pipeline, None)
        assert pipeline.values(pixels).mean() == 0

    def test_images_are_read_only_where_something_learns(self):
        images = numbered(5)
        prepared("simple, scale", images)
        assert images.reads == []


class TestErrors:
    def test_an_image_that_can_not_be_processed_is_named(self):
        images = of_sizes((9, 9), (4, 9), (9, 9))
        pipeline = Pipeline(tuple(registry.create_list("preprocessor", "patch(size=6)")), ())
        with pytest.raises(ImageError, match=r"^image-1\.png: patch: an image of 4 x 9 pixels"):
            process_batch(images, np.array([2, 1]), pipeline, np.random.default_rng(0))

    def test_a_later_step_names_the_image_too(self):
        @plugin
        class NoBright(ImagePreprocessor):
            """Refuses bright images."""

            def process(self, image, rng):
                if image.max() > 3:
                    raise DlcvError("too bright")
                return image

        pipeline = Pipeline((Simple(size=3), NoBright()), ())
        with pytest.raises(ImageError, match=r"^image-4\.png: too bright$"):
            process_batch(numbered(6), np.array([0, 3, 4, 5]), pipeline, None)

    def test_images_that_end_with_different_sizes_are_an_error(self):
        with pytest.raises(DlcvError, match="the images differ in size; put aspect_aware first"):
            process_batch(MIXED, np.arange(3), Pipeline((), ()), None)

    def test_a_broken_training_image_is_an_error_while_learning(self):
        images = numbered(100)
        images.broken = {70}
        with pytest.raises(ImageError, match=r"^image-70\.png: is broken$"):
            prepared("mean", images)


class TestMemory:
    def test_large_images_are_resized_before_the_next_is_read(self):
        class Large(InMemory):
            """Counts how many images are asked for at once."""

            most = 0

            def read(self, indices):
                self.most = max(self.most, len(indices))
                return super().read(indices)

        image = np.zeros((2000, 1500, 3), np.uint8)
        images = Large([image] * 4)
        pipeline = prepared("simple(size=5)", images)
        assert process_batch(images, np.arange(4), pipeline, None).shape == (4, 5, 5, 3)
        assert images.most == 1

    def test_small_images_are_read_together(self):
        images = numbered(9)
        images.read = lambda indices, read=images.read: calls.append(len(indices)) or read(indices)
        calls = []
        process_batch(images, np.arange(9), prepared("", images), None)
        assert calls == [9]


class TestOwnSize:
    @pytest.mark.parametrize(
        ("text", "size", "expected"),
        [
            # Up to twice the network's usual size, 8 x 8.
            ("", (16, 16), ""),
            ("", (16, 17), "aspect_aware(size=(8, 8))"),
            ("simple(size=3)", (17, 17), "simple(size=3)"),
            # A patch must not be a scrap of a photo, of which nothing is seen after training.
            ("patch", (16, 16), "patch(size=(8, 8))"),
            ("patch", (17, 16), "aspect_aware(size=(9, 9)), patch(size=(8, 8))"),
            ("patch(size=16)", (32, 32), "patch(size=16)"),
            ("patch(size=16)", (32, 33), "aspect_aware(size=(18, 18)), patch(size=16)"),
            ("simple(size=90), patch", (99, 99), "simple(size=90), patch(size=(8, 8))"),
        ],
    )
    def test_photos_of_one_size_keep_it_up_to_a_limit(self, text, size, expected):
        images = of_sizes(size, size)
        assert canonical(prepared(text, images, meant=False)) == expected
        if "aspect_aware" in expected:
            assert "aspect_aware" not in canonical(prepared(text, images, meant=True))


@plugin
class Twice(Preprocessor):
    """Gives two views of each image: as it is, and with a number added."""

    add: int = option(100, help="the number")
    views = 2

    def __call__(self, images, rng=None):
        return stack([np.stack([image, image + self.add]) for image in images])


class TestViews:
    def first_pixels(self, images, *steps):
        pixels = process_batch(images, np.arange(len(images)), Pipeline(steps, ()), None)
        return pixels[:, 0, 0, 0].tolist()

    def test_those_of_an_image_follow_each_other(self):
        assert self.first_pixels(numbered(3), Twice()) == [0, 100, 1, 101, 2, 102]

    def test_later_steps_see_each_as_an_image(self):
        assert Pipeline((Twice(), Twice(add=10)), ()).views == 4
        found = self.first_pixels(numbered(2), Twice(), Simple(size=2), Twice(add=10))
        assert found == [0, 10, 100, 110, 1, 11, 101, 111]

    def test_images_of_many_sizes_may_get_one_later(self):
        pixels = process_batch(MIXED, np.arange(3), Pipeline((Twice(), Simple(size=5)), ()), None)
        expected = [Simple(size=5)([image])[0] for image in MIXED.images]
        np.testing.assert_array_equal(pixels[::2], expected)

    def test_large_images_are_read_one_by_one_and_keep_their_order(self, monkeypatch):
        monkeypatch.setattr("dlcv.data.pipeline.BYTES_AT_ONCE", 1)
        found = self.first_pixels(numbered(3), Simple(size=2), Twice())
        assert found == [0, 100, 1, 101, 2, 102]

    @pytest.mark.parametrize("steps", ["crop(size=2), {}", "crop(size=3), simple(size=2), {}"])
    def test_a_later_step_names_the_image_that_is_at_fault(self, steps):
        @plugin
        class NoBright(ImagePreprocessor):
            """Refuses bright images."""

            def process(self, image, rng):
                if image.max() > 3:
                    raise DlcvError("too bright")
                return image

        with registry.register("preprocessor", "no_bright", NoBright):
            made = registry.create_list("preprocessor", steps.format("no_bright"))
            with pytest.raises(ImageError, match=r"^image-4\.png: too bright$"):
                process_batch(numbered(6), np.array([0, 3, 4, 5]), Pipeline(tuple(made), ()), None)

    def test_a_mean_is_that_of_all_views(self):
        # The corner pixels of a 2 x 2 image are its crops; the center is their mean.
        image = np.array([[[10], [20]], [[30], [60]]], np.uint8)
        pipeline = prepared("crop(size=1), mean", InMemory([image]))
        (mean,) = (step.state_dict()["values"] for step in pipeline.value_steps)
        assert mean.tolist() == [30]

    def test_training_refuses_them_with_the_cure(self):
        with pytest.raises(DlcvError) as caught:
            refuse_views(registry.create_list("preprocessor", "simple, crop(mirror=False), scale"))
        assert str(caught.value) == (
            "crop gives 5 views of each image, which is for predictions; "
            "leave it out in training, and use `dlcv evaluate RUN --preproc crop` afterwards"
        )
        refuse_views(registry.create_list("preprocessor", "patch, scale"))


@plugin
class Halves(ImagePreprocessor):
    """Gives numbers between 0 and 1 where bytes are expected."""

    def process(self, image, rng):
        return image.astype(np.float32) / 255


def test_a_step_that_gives_no_bytes_is_named():
    with registry.register("preprocessor", "halves", Halves):
        images = numbered(3)
        pipeline = prepared("halves", images)
        with pytest.raises(DlcvError, match=r"halves gives float32 pixels; .* must give uint8"):
            process_batch(images, np.arange(3), pipeline, None)


@pytest.mark.parametrize(
    ("images", "size", "is_told"),
    [
        (MIXED, (2, 2), True),
        (MIXED, (8, 8), False),
        (UNIFORM, (30, 7), True),
        (of_sizes((4, 4), (4, 4)), (4, 4), False),
    ],
)
def test_images_that_are_made_tiny_are_warned_of(images, size, is_told, caplog):
    prepared("simple", images, input_size=size)
    assert ("is input_size meant?" in caplog.text) == is_told
