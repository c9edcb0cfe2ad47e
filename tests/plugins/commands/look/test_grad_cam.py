"""Grad-CAM, beside the methods that give the same in special cases."""

import gc
import os
import subprocess
import sys

import cv2
import keras
import numpy as np
import pytest
from conftest import write_image
from keras import layers

import dlcv
from dlcv import registry
from dlcv.errors import DlcvError
from dlcv.training.network import build_network
from dlcv_plugins.commands.look.grad_cam import grad_cam, heat_maps
from dlcv_plugins.commands.look.layers import chosen_layer, map_layers, tapped
from dlcv_plugins.commands.look.placement import placement


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (3, 24, 24, 3), np.uint8)


def pooled_network(classes=4):
    """Returns a network that ends with the mean of its maps and a dense layer."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((24, 24, 3), dtype="uint8")
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(6, 3, strides=2, activation="relu", name="conv1")(x)
    x = layers.Conv2D(8, 3, activation="relu", name="conv2")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(classes, activation="softmax")(x))


def test_after_global_pooling_it_is_the_class_activation_map(pixels):
    """Selvaraju et al. 2017, section 3.1: there it equals the map of Zhou et al. 2016."""
    network, classes = pooled_network(), np.array([0, 3, 1])
    found = heat_maps(network, network.get_layer("conv2"), pixels, classes)

    maps = keras.Model(network.inputs, network.get_layer("conv2").output).predict(pixels)
    kernel = network.layers[-1].kernel.numpy()
    for image in range(3):
        heat = np.maximum(maps[image] @ kernel[:, classes[image]], 0)
        expected = cv2.resize(heat / heat.max(), (24, 24))
        np.testing.assert_allclose(found[image], expected, atol=1e-5)


def test_a_layer_deep_within_has_the_gradient_that_tensorflow_finds_in_two_halves(pixels):
    import tensorflow as tf

    network = pooled_network()
    first = keras.Model(network.inputs, network.get_layer("conv1").output)
    maps = tf.constant(first(pixels))
    with tf.GradientTape() as tape:
        tape.watch(maps)
        x = maps
        for layer in network.layers[3:-1]:
            x = layer(x)
        scores = x @ network.layers[-1].kernel + network.layers[-1].bias
        score = tf.reduce_sum(scores[:, 2])
    weights = tf.reduce_mean(tape.gradient(score, maps), (1, 2), keepdims=True)
    heat = tf.nn.relu(tf.reduce_sum(weights * maps, 3)).numpy()
    heat /= np.maximum(heat.max(axis=(1, 2), keepdims=True), 1e-12)
    expected = [cv2.resize(row, (24, 24)) for row in heat]

    found = heat_maps(network, network.get_layer("conv1"), pixels, np.array([2, 2, 2]))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_network_within_a_network_is_looked_into(pixels):
    flat = pooled_network()
    inputs = keras.Input((24, 24, 3))
    base = keras.Model(
        inputs, flat.get_layer("conv2")(flat.get_layer("conv1")(inputs)), name="base"
    )
    outer = keras.Input((24, 24, 3), dtype="uint8")
    x = layers.GlobalAveragePooling2D()(base(layers.Rescaling(1 / 255)(outer)))
    nested = keras.Model(outer, flat.layers[-1](x))
    assert list(map_layers(nested)) == ["base/conv1", "base/conv2", "base"]
    classes = np.array([1, 1, 2])
    for name in ("conv1", "conv2"):
        inner = chosen_layer(nested, f"base/{name}", default=-1)[1]
        found = heat_maps(nested, inner, pixels, classes)
        expected = heat_maps(flat, flat.get_layer(name), pixels, classes)
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_frozen_layers_have_gradients_too(pixels):
    network = pooled_network()
    expected = heat_maps(network, network.get_layer("conv1"), pixels, np.zeros(3, int))
    network.trainable = False
    found = heat_maps(network, network.get_layer("conv1"), pixels, np.zeros(3, int))
    assert expected.any()
    np.testing.assert_array_equal(found, expected)


def test_the_network_is_as_before(pixels):
    network = pooled_network()
    before = network.predict(pixels, verbose=0)
    heat_maps(network, network.get_layer("conv2"), pixels, np.zeros(3, int))
    with pytest.raises(ZeroDivisionError), tapped(network.get_layer("conv1"), lambda x: 1 / 0):
        network(pixels)
    assert "call" not in vars(network.get_layer("conv1"))
    np.testing.assert_array_equal(network.predict(pixels, verbose=0), before)


OWN = [
    ("shallownet", 16), ("lenet", 16), ("minivggnet", 16), ("alexnet(width=0.05)", 96),
    ("minigooglenet(width=0.1)", 32), ("deepergooglenet(width=0.1)", 64),
    ("resnet(stages=(1, 1), filters=(4, 8, 16))", 16), ("resnet18(width=0.1)", 32),
    ("lecture_cnn(width=0.2)", 32), ("cnn", 32),
    ("fc_head(base=lenet)", 16), ("linear_head(base=lenet)", 16),
    ("gap_head(base=resnet18(width=0.1))", 32),
]  # fmt: skip


def test_one_sigmoid_unit_has_the_maps_of_a_softmax_of_two(pixels):
    """A softmax of the logits (-z, z) has the scores of the sigmoid's z, and of -z."""
    two = pooled_network(classes=2)
    kernel, bias = two.layers[-1].get_weights()
    z = keras.layers.Dense(1, "sigmoid", name="predictions")
    second = z(two.layers[-1].input)
    first = layers.Rescaling(-1, 1)(second)
    one = keras.Model(two.inputs, layers.Concatenate()([first, second]))
    two.layers[-1].set_weights([np.hstack([-kernel[:, 1:], kernel[:, 1:]]), 0 * bias])
    z.set_weights([30 * kernel[:, 1:], 30 * bias[1:]])  # so sure that the sigmoid has no slope
    classes = np.array([0, 1, 1])
    found = heat_maps(one, one.get_layer("conv2"), pixels, classes)
    assert found.any()
    expected = heat_maps(two, two.get_layer("conv2"), pixels, classes)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(("spec", "size"), OWN)
def test_shipped_networks_can_be_looked_into(spec, size):
    check_can_be_looked_into(spec, size)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", sorted(registry.names("architecture")))
def test_every_network_can_be_looked_into(name):
    if name in ("fc_head", "gap_head", "linear_head", "mlp", "sigmoid_output"):
        pytest.skip("has no convolution of its own")
    check_can_be_looked_into(name, max(registry.create("architecture", name).default_size))
    # Networks refer to themselves; without this the memory of all of them is needed.
    gc.collect()


def test_sixteen_bits_are_enough():
    check_can_be_looked_into("lenet", 16, "mixed_bfloat16")


def check_can_be_looked_into(spec, size, precision="float32"):
    keras.utils.set_random_seed(0)
    pipeline = dlcv.data.pipeline.Pipeline.of(registry.create_list("preprocessor", "scale"))
    architecture = registry.create("architecture", spec)
    network = build_network(architecture, pipeline, (size, size, 3), 3, precision)
    images = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), np.uint8)
    _, layer = chosen_layer(network, None, default=-1)
    heat = heat_maps(network, layer, images, np.array([0, 2]))
    assert heat.shape == (2, size, size)
    assert heat.min() >= 0
    assert heat.max() <= 1
    # Other weights behind the layer are other gradients: the maps alone are not the answer.
    network.layers[-1].kernel.assign(-network.layers[-1].kernel)
    assert not np.allclose(heat_maps(network, layer, images, np.array([0, 2])), heat)


def test_convolutions_within_a_layer_of_ones_own_are_found(pixels):
    class Block(keras.layers.Layer):
        def __init__(self):
            super().__init__(name="block")
            self.convolution = keras.layers.Conv2D(4, 3, padding="same", activation="relu")

        def call(self, x):
            return self.convolution(x)

    network = keras.Sequential(
        [
            keras.Input(pixels.shape[1:], dtype="uint8"), keras.layers.Rescaling(1 / 255), Block(),
            keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3, activation="softmax"),
        ]
    )  # fmt: skip
    name, layer = chosen_layer(network, None, default=-1)
    assert name == "block"
    assert heat_maps(network, layer, pixels, np.zeros(len(pixels), int)).any()


def test_a_network_that_leaves_no_places_is_refused():
    network = keras.Sequential(
        [
            keras.Input((8, 8, 3)), keras.layers.Conv2D(5, 8), keras.layers.Flatten(),
            keras.layers.Dense(3, activation="softmax"),
        ],
        name="whole",
    )  # fmt: skip
    with pytest.raises(DlcvError, match="whole makes single numbers of 8 x 8 pixels"):
        chosen_layer(network, None, default=-1)


def test_a_network_without_convolutions_is_refused():
    architecture = registry.create("architecture", "mlp")
    pipeline = dlcv.data.pipeline.Pipeline.of(registry.create_list("preprocessor", "scale"))
    network = build_network(architecture, pipeline, (8, 8, 1), 3, "float32")
    with pytest.raises(DlcvError, match="mlp has no convolution"):
        chosen_layer(network, None, default=-1)


class TestRuns:
    def test_explains_what_the_run_predicts(self, digits_run):
        images = np.random.default_rng(0).integers(0, 256, (70, 36, 36, 1), np.uint8)
        explained = grad_cam(digits_run, images[:60])
        predicted = digits_run.predict(images[:60])
        assert [e.label for e in explained] == [p.label for p in predicted]
        found = [e.probability for e in explained]
        np.testing.assert_allclose(found, [p.probability for p in predicted], atol=1e-3)
        np.testing.assert_array_equal(explained[7].pixels, images[7])
        assert all(e.label == "3" for e in grad_cam(digits_run, images[:2], label="3"))
        with pytest.raises(DlcvError, match="there are 70 images; 60 can be looked at"):
            grad_cam(digits_run, images)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"label": "zero"}, 'has no class "zero"'),
            ({"layer": "conv"}, 'no layer "conv"; did you mean "conv2"'),
            ({"layer": "qqq"}, 'no layer "qqq"; dlcv inspect RUN lists'),
            (
                {"layer": "flatten"},
                r"flatten gives values of shape \(\d+,\), not maps; layers with maps go from conv1",
            ),
            ({"layer": "scale"}, "scale gives the image before the first convolution"),
        ],
    )
    def test_refuses(self, digits_run, options, message):
        with pytest.raises(DlcvError, match=message):
            grad_cam(digits_run, np.zeros((1, 36, 36, 1), np.uint8), **options)


class TestOverTheImage:
    """The digits' network takes 36 x 36 pixels; other images are cut and made smaller."""

    def test_the_place_of_the_input_in_the_image_is_found(self, digits_run):
        # A square of 72 from the middle of 144; pixel 0 covers two, whose center is 36.5.
        found = placement(digits_run, (72, 144))
        np.testing.assert_allclose(found, [[2, 0, 36.5], [0, 2, 0.5]], atol=0.3)

    def test_heat_is_where_the_network_sees_and_nowhere_else(self, digits_run):
        image = np.random.default_rng(0).integers(0, 256, (72, 144, 1), np.uint8)
        (wide,) = grad_cam(digits_run, [image])
        (square,) = grad_cam(digits_run, [cv2.resize(image[:, 36:108], (36, 36), interpolation=3)])
        np.testing.assert_array_equal(wide.pixels, image)
        assert np.isnan(wide.heat[:, [0, 20, 34, 109, 143]]).all()
        seen = wide.heat[:, 37:107]
        assert not np.isnan(seen).any()
        smaller = cv2.resize(wide.heat[:, 36:108], (36, 36), interpolation=cv2.INTER_AREA)
        np.testing.assert_allclose(smaller[1:-1, 1:-1], square.heat[1:-1, 1:-1], atol=0.1)

    @pytest.mark.parametrize("change", [lambda x: 255 - x, lambda x: x // 2, np.square])
    def test_steps_that_change_values_leave_the_place_unknown(self, change):
        class OfSteps:
            channels = 1

            def loader(self, opened):
                self.batch = change(opened.read(range(4)))
                return self

            def epoch(self):
                yield self.batch, None

        assert placement(OfSteps(), (30, 40)) is None

    def test_the_true_class_is_that_of_the_folder(self, digits_run, tmp_path):
        for folder in ("7", "unknown"):
            write_image(tmp_path / folder / "a.png", np.zeros((900, 1600, 3), np.uint8))
        known, unknown = grad_cam(digits_run, str(tmp_path))
        assert (known.truth, unknown.truth) == ("7", None)
        assert unknown.truth_probability is unknown.truth_heat is None
        assert known.pixels.shape == (*known.heat.shape, 1) == (450, 800, 1)
        probabilities = digits_run.predict_proba(str(tmp_path / "7" / "a.png"))[0]
        assert known.truth_probability == pytest.approx(probabilities[7], abs=1e-4)
        assert (known.truth_heat is None) == (known.label == "7")


JAX_PROGRAM = """
import keras, numpy as np
from dlcv_plugins.commands.look.grad_cam import heat_maps
assert keras.backend.backend() == "jax"
network = keras.Sequential([
    keras.Input((12, 12, 3), dtype="uint8"), keras.layers.Rescaling(1 / 255),
    keras.layers.Conv2D(5, 3, padding="same", activation="relu", name="conv"),
    keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3, activation="softmax"),
])
pixels = np.random.default_rng(0).integers(0, 256, (2, 12, 12, 3), np.uint8)
found = heat_maps(network, network.get_layer("conv"), pixels, np.array([2, 0]))
maps = keras.Model(network.inputs, network.get_layer("conv").output).predict(pixels, verbose=0)
kernel = np.asarray(network.layers[-1].kernel)
for heat, image, label in zip(found, maps, (2, 0)):
    expected = np.maximum(image @ kernel[:, label], 0)
    np.testing.assert_allclose(heat, expected / max(expected.max(), 1e-12), atol=1e-5)
"""


@pytest.mark.slow
def test_jax_gives_the_class_activation_map_too():
    done = subprocess.run(
        [sys.executable, "-c", JAX_PROGRAM],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
