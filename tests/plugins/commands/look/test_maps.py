"""Filters and maps of trained networks, beside Keras's own arrays."""

import keras
import numpy as np
import pytest
from PIL import Image

from dlcv.errors import DlcvError
from dlcv_plugins.commands.look.maps import feature_maps, first_filters
from dlcv_plugins.commands.look.pictures import draw_maps


@pytest.fixture
def run(digits_run):
    return digits_run


def test_filters_are_the_first_kernel(run):
    name, filters = first_filters(run)
    kernel = run.model.get_layer("conv1").kernel.numpy()
    assert (name, filters.shape) == ("conv1", (kernel.shape[3], 5, 5, 1))
    for image, weights in zip(filters, np.moveaxis(kernel, 3, 0), strict=True):
        assert image.max() == 255 or image.min() == 0
        weight = (image.astype(float) - 127.5) / 127.5 * np.abs(weights).max()
        np.testing.assert_allclose(weight, weights, atol=np.abs(weights).max() / 127)


def test_maps_are_those_of_a_network_cut_there(run):
    image = np.random.default_rng(0).integers(0, 256, (36, 36, 1), np.uint8)
    for layer, expected in ((None, "conv1"), ("pool2", "pool2")):
        name, pixels, maps = feature_maps(run, image, layer=layer)
        cut = keras.Model(run.model.inputs, run.model.get_layer(expected).output)
        assert name == expected
        np.testing.assert_array_equal(pixels, image)
        np.testing.assert_allclose(maps, cut(image[np.newaxis])[0], atol=1e-5)


def test_a_layer_without_maps_is_refused(run):
    with pytest.raises(DlcvError, match="not maps"):
        feature_maps(run, np.zeros((36, 36, 1), np.uint8), layer="predictions")


def test_maps_are_drawn_beside_each_other(tmp_path):
    maps = np.zeros((4, 4, 100), np.float32)
    maps[..., 1] = np.arange(16).reshape(4, 4)
    draw_maps(tmp_path / "maps.png", "conv", np.full((8, 8, 3), 255, np.uint8), maps)
    picture = np.asarray(Image.open(tmp_path / "maps.png").convert("L"))
    assert picture.shape[0] > 500
    # The image, two maps of one value in black, and one with grey between black and white.
    assert {0, 255} < set(np.unique(picture))
