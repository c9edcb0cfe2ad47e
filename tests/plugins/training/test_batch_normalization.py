"""Batch normalization by one kernel: the same numbers as Keras's own, in a graph that has it."""

import contextlib

import keras
import numpy as np
import pytest

import dlcv
from dlcv_plugins.training import batch_normalization
from dlcv_plugins.training.batch_normalization import fuse

SHAPE = (6, 5, 3)
only_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the kernel is TensorFlow's"
)
pytestmark = only_tensorflow


def network(
    layer: keras.layers.Layer | None = None, jit_compile: bool = False, frozen: bool = False
) -> keras.Model:
    """A compiled network of a convolution and batch normalization, its weights always the same."""
    keras.utils.set_random_seed(1)
    normalization = layer or keras.layers.BatchNormalization(momentum=0.7)
    model = keras.Sequential(
        [
            keras.layers.Input(SHAPE),
            keras.layers.Conv2D(4, 3, padding="same"),
            normalization,
            keras.layers.ReLU(),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    if frozen:
        normalization.moving_mean.assign([0.3, -0.2, 0.1, 0.0])
        normalization.moving_variance.assign([0.5, 1.0, 2.0, 3.0])
        normalization.trainable = False
    optimizer = keras.optimizers.SGD(0.5)
    model.compile(optimizer, "categorical_crossentropy", jit_compile=jit_compile)
    return model


def trained(model: keras.Model, steps: int = 4) -> tuple[list[float], list[np.ndarray]]:
    """The losses of some steps, and the weights after them."""
    rng = np.random.default_rng(2)
    images = rng.normal(1, 2, (7, *SHAPE)).astype("float32")
    labels = np.eye(2, dtype="float32")[[0, 1, 0, 1, 1, 0, 0]]
    losses = [float(model.train_on_batch(images, labels)) for _ in range(steps)]
    predicted = model.predict_on_batch(images)
    return losses, [*model.get_weights(), predicted]


def has_kernel(model: keras.Model) -> bool:
    """Whether the traced training step contains the kernel."""
    import tensorflow as tf

    step = tf.function(lambda images: model(images, training=True))
    graph = step.get_concrete_function(tf.TensorSpec((None, *SHAPE))).graph
    return any(operation.type == "FusedBatchNormV3" for operation in graph.get_operations())


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}, {"epsilon": 1e-6}])
def test_gives_the_losses_weights_and_statistics_of_keras(options, frozen):
    def build() -> keras.Model:
        return network(keras.layers.BatchNormalization(momentum=0.7, **options), frozen=frozen)

    fused = build()
    fuse(fused)
    losses, weights = trained(fused)
    expected_losses, expected = trained(build())
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-5)
    for ours, theirs in zip(weights, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-5)
    assert has_kernel(fused)
    assert not has_kernel(build())


def test_one_image_of_one_pixel_has_no_variance():
    layer = keras.layers.BatchNormalization(momentum=0.5)
    model = keras.Sequential([keras.layers.Input((1, 1, 2)), layer])
    model.compile("sgd", "mse", jit_compile=False)
    fuse(model)
    assert np.allclose(model(np.array([[[[3.0, 5.0]]]], "float32"), training=True), 0)
    np.testing.assert_allclose(layer.moving_mean, [1.5, 2.5])
    np.testing.assert_allclose(layer.moving_variance, [0.5, 0.5])


def test_computes_in_float32_and_returns_bfloat16_in_mixed_precision():
    layer = keras.layers.BatchNormalization(dtype="mixed_bfloat16")
    plain = keras.layers.BatchNormalization(dtype="mixed_bfloat16")
    images = np.random.default_rng(3).normal(5, 2, (8, *SHAPE)).astype("float32")
    outputs = []
    for each in (layer, plain):
        model = keras.Sequential([keras.layers.Input(SHAPE), each])
        model.compile("sgd", "mse", jit_compile=False)
        if each is layer:
            fuse(model)
            assert has_kernel(model)
        outputs.append(model(images, training=True))
    assert outputs[0].dtype == "bfloat16"
    ours, theirs = (keras.ops.convert_to_numpy(each).astype("float32") for each in outputs)
    np.testing.assert_allclose(ours, theirs, atol=0.02)
    np.testing.assert_allclose(layer.moving_variance, plain.moving_variance, rtol=1e-3)


class Shifted(keras.layers.BatchNormalization):
    """A layer whose own computation must stay."""

    def call(self, inputs, training=None, mask=None):
        """Returns one more."""
        return super().call(inputs, training=training, mask=mask) + 1


@pytest.mark.parametrize(
    "layer",
    [
        Shifted(),
        keras.layers.BatchNormalization(axis=1),
        keras.layers.BatchNormalization(renorm=True),
        keras.layers.BatchNormalization(dtype="float64"),
    ],
)
def test_leaves_what_the_kernel_does_not_compute(layer):
    model = network(layer)
    fuse(model)
    assert not has_kernel(model)
    assert len(trained(model)[0]) == 4


def test_leaves_a_network_that_xla_compiles():
    model = network()
    fuse(model)
    assert has_kernel(model)
    model.compile("sgd", "categorical_crossentropy", jit_compile=True)
    fuse(model)
    assert not has_kernel(model)


@pytest.mark.parametrize("jit_compile", ["auto", "on"])
def test_a_run_uses_the_kernel_unless_xla_compiles_the_network(
    photos, tmp_path, monkeypatch, jit_compile
):
    class CalledError(Exception):
        """The kernel is used."""

    def call(layer, inputs, training=None, mask=None):
        raise CalledError

    # With XLA, a variance near the rounding of the mean's square would become negative.
    monkeypatch.setattr(batch_normalization, "_call", call)
    with contextlib.nullcontext() if jit_compile == "on" else pytest.raises(CalledError):
        dlcv.run(
            data=str(photos(size=(8, 8))),
            architecture="resnet(stages=(1,), filters=(4, 4))",
            epochs=1,
            batch_size=8,
            batch_statistics="precise",
            jit_compile=jit_compile,
            runs=tmp_path / "runs",
        )


def test_the_layers_of_a_trained_run_are_keras_own(photos, tmp_path):
    run = dlcv.run(
        data=str(photos(size=(8, 8))),
        architecture="resnet(stages=(1,), filters=(4, 4))",
        epochs=1,
        runs=tmp_path / "runs",
    )
    assert all("call" not in vars(layer) for layer in run.model.layers)


class Unused(keras.layers.Layer):
    """A layer with batch normalization that it has no use for, and so never builds."""

    def __init__(self):
        super().__init__()
        self.shortcut = keras.layers.BatchNormalization()

    def call(self, inputs):
        """Returns what it is given."""
        return inputs


def test_a_layer_that_was_never_built_stays():
    model = keras.Sequential([keras.layers.Input(SHAPE), Unused()])
    model.compile("sgd", "mse", jit_compile=False)
    fuse(model)
    assert "call" not in vars(model.layers[0].shortcut)


def test_a_saved_network_is_keras_own(tmp_path):
    model = network()
    fuse(model)
    trained(model)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert not has_kernel(loaded)
    images = np.random.default_rng(4).normal(size=(3, *SHAPE)).astype("float32")
    np.testing.assert_allclose(model(images), loaded(images), atol=1e-6)
