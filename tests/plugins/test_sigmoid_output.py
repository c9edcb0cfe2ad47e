"""One sigmoid unit for two classes, beside the network that Keras's own users write."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import dlcv
from dlcv import registry
from dlcv.config import StageConfig
from dlcv.errors import DlcvError
from dlcv.registry.spec import Spec
from dlcv.training.network import symbolic
from dlcv_plugins.training.compiling import compile_stage

CNN = "sigmoid_output(base=cnn(filters=(4,), units=(6,)))"


def by_hand() -> keras.Model:
    """Returns the network that has one output, of the layers of `CNN`."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)), layers.Conv2D(4, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(6, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )  # fmt: skip


@pytest.mark.parametrize("loss", ["binary_crossentropy", "mean_squared_error"])
def test_it_trains_as_one_unit_on_labels_of_0_and_1(loss: str) -> None:
    rng = np.random.default_rng(0)
    images = rng.normal(size=(12, 8, 8, 3)).astype(np.float32)
    labels = rng.integers(0, 2, 12)
    expected, model = by_hand(), registry.create("architecture", CNN).build((8, 8, 3), 2)
    model.set_weights(expected.get_weights())
    expected.compile(keras.optimizers.SGD(0.5), loss, metrics=["accuracy"])
    stage = StageConfig(loss=Spec.parse(loss), optimizer=Spec.parse("sgd(learning_rate=0.5)"))
    compile_stage(model, stage, registry.create("schedule", "constant"), 1)

    for _ in range(5):
        wanted = expected.train_on_batch(images, labels[:, None].astype(np.float32))
        found = model.train_on_batch(images, np.eye(2, dtype=np.float32)[labels])
        assert found == pytest.approx(wanted, abs=1e-5)
    for own, other in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(own, other, atol=1e-5)
    second = expected.predict(images, verbose=0)
    np.testing.assert_allclose(
        model.predict(images, verbose=0), np.hstack([1 - second, second]), atol=1e-5
    )


def test_the_last_layer_is_penalized_as_that_of_the_base_and_a_head_can_be_one() -> None:
    with symbolic():
        alexnet = registry.create("architecture", "sigmoid_output(base=alexnet(l2=0.01))")
        last = alexnet.build((227, 227, 3), 2).get_layer("predictions")
        head = registry.create("architecture", "sigmoid_output(base=fc_head(base=lenet, units=7))")
        model = head.build((32, 32, 3), 2)

    assert (last.units, last.kernel_regularizer.l2) == (1, pytest.approx(0.01))
    assert model.get_layer("head_dense1").units == 7
    assert model.get_layer("predictions").kernel.shape == (7, 1)


def test_more_classes_are_refused() -> None:
    with pytest.raises(
        DlcvError, match=r"is for two classes, and there are 3; name its base alone"
    ):
        registry.create("architecture", "sigmoid_output(base=lenet)").build((28, 28, 3), 3)


def test_all_that_is_made_of_a_run_is_made_of_two_columns(
    photos: Callable[..., Path], tmp_path: Path
) -> None:
    folder = photos(("blue", "green"), count=14, size=(16, 16))
    run = dlcv.run(
        data=str(folder), architecture="sigmoid_output(base=cnn(filters=(4,), units=(8,)))",
        preprocessors="scale", optimizer="adam(learning_rate=0.03)", loss="binary_crossentropy",
        evaluators="binary_scores", epochs=4, batch_size=4, threads=1,
        runs=tmp_path / "runs", name="one",
    )  # fmt: skip

    assert {"mean_squared_error", "roc_auc"} <= run.metrics.keys()
    loaded = dlcv.load(run.path)
    pictures = sorted(folder.glob("*/000.png"))
    found = loaded.predict(pictures)
    assert [prediction.label for prediction in found] == ["blue", "green"]
    network = keras.models.load_model(run.path / "model.keras")
    pixels = np.stack([np.full((16, 16, 3), value, np.uint8) for value in (0, 90, 255)])
    own = network.predict(pixels, verbose=0)
    np.testing.assert_allclose(own.sum(axis=1), 1, atol=1e-6)
    exported = dlcv.export_run(run.path, "onnx", tmp_path / "exported")
    again = dlcv.load(exported.path).predict(pictures)
    for one, other in zip(found, again, strict=True):
        assert one.label == other.label
