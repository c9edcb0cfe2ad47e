"""Preprocessors of values: what they compute, and that their layers compute the same."""

import keras
import numpy as np
import pytest

from dlcv import registry
from dlcv.errors import DlcvError
from dlcv.interfaces import PreparationContext
from dlcv_plugins.preprocessors.mean import Mean
from dlcv_plugins.preprocessors.scale import Scale

PIXELS = np.random.default_rng(3).integers(0, 256, (10, 4, 5, 3), np.uint8)


def context(*batches):
    return PreparationContext((4, 5), lambda: iter(batches))


def prepared(text):
    step = registry.create("preprocessor", text)
    return step.prepare(context(PIXELS[:4], PIXELS[4:]))


class TestMean:
    def test_a_channel_s_mean_is_the_mean_of_the_images_means(self):
        means = [[image[..., channel].mean() for channel in range(3)] for image in PIXELS]
        values = prepared("mean").state_dict()["values"]
        assert values.dtype == np.float32
        np.testing.assert_allclose(values, np.mean(means, axis=0), rtol=1e-7)

    def test_a_pixel_s_mean_is_over_the_images(self):
        images = np.zeros((3, 1, 2, 1), np.uint8)
        images[:, 0, 0, 0], images[:, 0, 1, 0] = [10, 20, 60], [255, 255, 0]
        step = Mean(per="pixel").prepare(context(images[:2], images[2:]))
        assert step.state_dict()["values"].tolist() == [[[30], [170]]]
        assert step(images).ravel().tolist() == [-20, 85, -10, 85, 30, -170]

    def test_many_bright_images_do_not_overflow(self):
        batch = np.full((64, 100, 100, 3), 255, np.uint8)
        step = Mean().prepare(context(*[batch] * 8))
        assert step.state_dict()["values"].tolist() == [255, 255, 255]

    def test_the_result_is_float32_around_zero(self):
        values = prepared("mean(per=pixel)")(PIXELS)
        assert values.dtype == np.float32
        np.testing.assert_allclose(values.mean(axis=0), np.zeros((4, 5, 3)), atol=1e-4)

    @pytest.mark.parametrize("text", ["mean", "mean(per=pixel)"])
    def test_what_it_learned_survives_keeping(self, text):
        step = prepared(text)
        again = registry.create("preprocessor", text).with_state(step.state_dict())
        assert again == step
        np.testing.assert_array_equal(again(PIXELS), step(PIXELS))
        # And is not learned anew.
        assert again.prepare(context(PIXELS[:1])) is again

    def test_a_mean_that_is_not_known_is_an_error(self):
        assert Mean().state_dict() == {}
        for use in (lambda: Mean()(PIXELS), Mean().as_layer):
            with pytest.raises(DlcvError, match="not known yet; call prepare"):
                use()

    def test_state_of_another_name_is_refused(self):
        with pytest.raises(DlcvError, match="no state named median"):
            Mean().with_state({"median": np.zeros(3)})


class TestScale:
    def test_bytes_become_numbers_from_0_to_1(self):
        values = Scale()(np.array([[[[0, 51, 255]]]], np.uint8))
        assert values.dtype == np.float32
        np.testing.assert_allclose(values.ravel(), [0, 0.2, 1], rtol=1e-6)

    def test_the_factor_can_be_chosen(self):
        values = Scale(factor=2)(np.array([[[[0, 3, 255]]]], np.uint8))
        assert values.ravel().tolist() == [0, 6, 510]


@pytest.fixture(params=["float32", "mixed_bfloat16", "mixed_float16"])
def policy(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


STEPS = ["mean", "mean(per=pixel)", "scale", "scale(factor=0.0173)"]


def network(step):
    """Raw pixels to the step's values, as the first layer of a run's network."""
    pixels = keras.Input((4, 5, 3), dtype="uint8")
    return keras.Model(pixels, step.as_layer()(pixels))


@pytest.mark.parametrize("text", STEPS)
class TestLayers:
    def test_a_layer_computes_what_the_step_does_under_any_policy(self, text, policy):
        step = prepared(text)
        values = np.asarray(network(step)(PIXELS))
        assert values.dtype == np.float32
        np.testing.assert_array_max_ulp(values, step(PIXELS), maxulp=1)

    def test_a_saved_network_keeps_it(self, text, tmp_path):
        step = prepared(text)
        network(step).save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        np.testing.assert_array_max_ulp(np.asarray(loaded(PIXELS)), step(PIXELS), maxulp=1)

    def test_nothing_of_it_is_trained(self, text):
        assert network(prepared(text)).trainable_variables == []
