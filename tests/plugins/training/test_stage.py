"""What one stage trains, against Keras alone on the same arrays."""

import logging
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from dlcv import registry
from dlcv.config import StageConfig
from dlcv.data.loader import Loader
from dlcv.data.pipeline import Pipeline
from dlcv.data.subset import ArrayImages
from dlcv.training import checkpoints
from dlcv.training.history import History
from dlcv.training.network import Network
from dlcv_plugins.training import class_weights
from dlcv_plugins.training.feed import Feed
from dlcv_plugins.training.interruption import Interruption
from dlcv_plugins.training.stage import Training
from dlcv_plugins.training.train import train as run

CLASSES, BATCH = 3, 4
IMAGES, VAL_IMAGES = np.random.default_rng(0).integers(0, 256, (2, 18, 2, 2, 1), np.uint8)
LABELS = np.array([0] * 10 + [1] * 6 + [2] * 2)
VAL_LABELS = np.random.default_rng(1).integers(0, CLASSES, 18)


class Images(ArrayImages):
    """Images with labels."""

    def __init__(self, arrays: np.ndarray, labels: np.ndarray) -> None:
        super().__init__(arrays, [str(i) for i in range(len(arrays))])
        self.labels = labels
        self.label_names = ("a", "b", "c")


def loader(arrays: np.ndarray, labels: np.ndarray) -> Loader:
    return Loader(Images(arrays, labels), Pipeline((), ()), batch_size=BATCH, threads=1)


def network() -> Network:
    inputs = keras.Input((2, 2, 1))
    x = keras.layers.Rescaling(1 / 64, name="scale")(inputs)
    features = keras.layers.Flatten(name="flatten")(x)
    kernel = keras.initializers.RandomUniform(seed=3)
    hidden = keras.layers.Dense(8, "tanh", kernel_initializer=kernel, name="hidden")(features)
    outputs = keras.layers.Dense(CLASSES, "softmax", kernel_initializer=kernel, name="out")(hidden)
    model = keras.Model(inputs, outputs)
    return Network(model, keras.Model(inputs, x), keras.Model(inputs, features))


def train(folder: Path, *stages: StageConfig, callbacks: Any = (), every: int = 1) -> Training:
    """Trains in the stored order, without any randomness."""
    training = Training(
        network=network(),
        stages=stages,
        schedules=(registry.create("schedule", "constant"),) * len(stages),
        train=loader(IMAGES, LABELS),
        val=loader(VAL_IMAGES, VAL_LABELS),
        folder=folder / "checkpoints",
        history=History(folder, []),
        callbacks=list(callbacks),
        checkpoint_every=every,
        keep_checkpoints=None,
        asked=Interruption(),
    )
    run(training)
    return training


def train_with_keras(optimizer: Any, loss: Any, epochs: int, **options: Any) -> keras.Model:
    model = network().model
    model.compile(optimizer, loss)
    one_hot = np.eye(CLASSES, dtype=np.float32)
    model.fit(
        IMAGES, one_hot[LABELS], batch_size=BATCH, shuffle=False, epochs=epochs, verbose=0,
        **options,
    )  # fmt: skip
    return model


def assert_same_weights(training: Training, model: keras.Model) -> None:
    for ours, theirs in zip(training.network.model.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-6)


OPTIMIZERS = {
    "adamw(learning_rate=0.05, weight_decay=0.5)": keras.optimizers.AdamW(0.05, weight_decay=0.5),
    "sgd(learning_rate=0.5, weight_decay=0.1, clipnorm=0.1)": keras.optimizers.SGD(
        0.5, weight_decay=0.1, clipnorm=0.1
    ),
    "sgd(learning_rate=0.5, global_clipnorm=0.1, gradient_accumulation_steps=3)": (
        keras.optimizers.SGD(0.5, global_clipnorm=0.1, gradient_accumulation_steps=3)
    ),
    "sgd(learning_rate=0.5, clipvalue=0.01, use_ema=True, ema_momentum=0.7)": (
        keras.optimizers.SGD(0.5, clipvalue=0.01, use_ema=True, ema_momentum=0.7)
    ),
}


@pytest.fixture(scope="module")
def plain() -> np.ndarray:
    """The first weights after two epochs without any of it."""
    sgd = keras.optimizers.SGD(0.5)
    return train_with_keras(sgd, "categorical_crossentropy", 2).get_weights()[0]


@pytest.mark.parametrize("spec", OPTIMIZERS)
def test_optimizers_do_what_keras_does(tmp_path: Path, spec: str, plain: np.ndarray) -> None:
    training = train(tmp_path, StageConfig(epochs=2, optimizer=spec))

    model = train_with_keras(OPTIMIZERS[spec], "categorical_crossentropy", 2)

    assert_same_weights(training, model)
    assert np.abs(plain - model.get_weights()[0]).max() > 0.01


@pytest.mark.parametrize(("free", "is_warned"), [(10**6, True), (2 * 10**6, False)])
def test_a_disk_with_too_little_space_for_checkpoints_is_warned_of_before_training(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    free: int,
    is_warned: bool,
) -> None:
    usage = shutil._ntuple_diskusage(total=10**9, used=10**9 - free, free=free)  # type: ignore[attr-defined]
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with caplog.at_level(logging.WARNING):
        train(tmp_path, StageConfig(epochs=1, batch_size=BATCH))
    assert ("may take 1.0 MB in" in caplog.text) == is_warned
    assert ("where 1.0 MB are free" in caplog.text) == is_warned


def test_labels_are_smoothed(tmp_path: Path) -> None:
    stage = StageConfig(
        epochs=1,
        optimizer="sgd(learning_rate=0.5)",
        loss="categorical_crossentropy(label_smoothing=0.3)",
    )
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.3)

    training = train(tmp_path, stage)

    assert_same_weights(training, train_with_keras(keras.optimizers.SGD(0.5), loss, 1))


class KeptWeights(keras.callbacks.Callback):
    """Keeps the weights after each step."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[list[np.ndarray]] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.steps.append([w.copy() for w in self.model.get_weights()])


def test_averages_of_weights_are_validated_and_end_the_stage(tmp_path: Path) -> None:
    kept = KeptWeights()
    optimizer = "sgd(learning_rate=0.5, use_ema=True, ema_momentum=0.7)"
    training = train(tmp_path, StageConfig(epochs=2, optimizer=optimizer), callbacks=[kept])

    averages, after_epoch = kept.steps[0], []
    for step, weights in enumerate(kept.steps[1:], 1):
        averages = [0.7 * a + 0.3 * w for a, w in zip(averages, weights, strict=True)]
        if (step + 1) % 5 == 0:
            after_epoch.append(averages)
    for ours, expected in zip(training.network.model.get_weights(), averages, strict=True):
        np.testing.assert_allclose(ours, expected, atol=1e-6)

    model = network().model
    model.compile(loss="categorical_crossentropy")
    one_hot = np.eye(CLASSES)[VAL_LABELS]
    losses = [row["val_loss"] for row in training.history.rows]
    for weights, loss in zip(after_epoch, losses, strict=True):
        model.set_weights(weights)
        expected = model.evaluate(VAL_IMAGES, one_hot, batch_size=BATCH, verbose=0)
        assert loss == pytest.approx(expected, rel=1e-5)

    # What is loaded from a checkpoint within the stage are the averages, too.
    checkpoint, _ = checkpoints.load_epoch(tmp_path / "checkpoints", 1)
    used = checkpoint.of_network(len(model.variables)).arrays
    for array, expected in zip(used, after_epoch[0], strict=True):
        np.testing.assert_allclose(array, expected, atol=1e-6)


def test_stage_ends_early_with_the_best_weights_as_keras_does(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "dlcv")
    caplog.set_level(logging.INFO, "dlcv_plugins")
    stage = StageConfig(epochs=30, optimizer="sgd(learning_rate=0.5)", early_stopping=3)
    training = train(tmp_path, stage, every=100)

    stopper = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    sgd = keras.optimizers.SGD(0.5)
    validation = VAL_IMAGES, np.eye(CLASSES, dtype=np.float32)[VAL_LABELS]
    model = train_with_keras(
        sgd, "categorical_crossentropy", 30, callbacks=[stopper], validation_data=validation
    )

    assert 4 <= len(training.history.rows) < 30
    assert len(training.history.rows) == stopper.stopped_epoch + 1
    assert_same_weights(training, model)
    last, best = len(training.history.rows), stopper.best_epoch + 1
    assert caplog.messages[-1] == (
        f"stopped after epoch {last}; the weights are those of epoch {best}, whose validation loss "
        "is lowest"
    )


def test_stage_that_stops_early_may_end_with_its_last_weights_as_keras_does(
    tmp_path: Path,
) -> None:
    stage = StageConfig(
        epochs=30, optimizer="sgd(learning_rate=0.5)", early_stopping=3,
        early_stopping_weights="last",
    )  # fmt: skip
    training = train(tmp_path, stage, every=100)

    stopper = keras.callbacks.EarlyStopping(patience=3)
    validation = VAL_IMAGES, np.eye(CLASSES, dtype=np.float32)[VAL_LABELS]
    model = train_with_keras(
        keras.optimizers.SGD(0.5), "categorical_crossentropy", 30, callbacks=[stopper],
        validation_data=validation,
    )  # fmt: skip

    assert len(training.history.rows) == stopper.stopped_epoch + 1 < 30
    assert_same_weights(training, model)


def test_stage_after_one_that_stopped_early_goes_on_with_its_best_weights(tmp_path: Path) -> None:
    first = StageConfig(epochs=30, optimizer="sgd(learning_rate=0.5)", early_stopping=2)
    second = StageConfig(epochs=1, optimizer="sgd(learning_rate=1e-30)", batch_size=9)
    (tmp_path / "one").mkdir()

    alone = train(tmp_path / "one", first)
    both = train(tmp_path, first, second)

    assert_same_weights(both, alone.network.model)
    assert [row["stage"] for row in both.history.rows] == [1] * len(alone.history.rows) + [2]
    best = min(row["val_loss"] for row in alone.history.rows)
    assert both.history.rows[-1]["val_loss"] == pytest.approx(best, rel=1e-5)
    # 18 images are five batches of 4, and two of 9.
    found = checkpoints.load_newest(tmp_path / "checkpoints")
    assert found is not None
    assert found[0].position.step == 5 * len(alone.history.rows) + 2


def test_stage_that_is_to_stop_ends_with_its_schedule_unfinished(tmp_path: Path) -> None:
    training = train(tmp_path, StageConfig(epochs=8, stop_after=2))

    assert [row["epoch"] for row in training.history.rows] == [1, 2]


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    expected = compute_class_weight("balanced", classes=np.arange(CLASSES), y=LABELS)

    np.testing.assert_allclose(class_weights.balanced(LABELS, CLASSES), expected, rtol=1e-6)
    assert class_weights.balanced(np.array([0, 2, 2]), 3).tolist() == [1.0, 0.0, 0.5]


def test_each_class_counts_the_same_in_the_training_loss_and_as_it_is_in_validation(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "dlcv")
    caplog.set_level(logging.INFO, "dlcv_plugins")
    stage = StageConfig(epochs=1, optimizer="sgd(learning_rate=1e-30)", class_weights="balanced")

    row = train(tmp_path, stage).history.rows[0]

    model = network().model
    truth = model.predict(IMAGES, verbose=0)[np.arange(18), LABELS]
    by_class = [-np.log(truth[np.equal(LABELS, c)]).mean() for c in range(CLASSES)]
    assert row["loss"] == pytest.approx(np.mean(by_class), rel=1e-5)
    val_truth = model.predict(VAL_IMAGES, verbose=0)[np.arange(18), VAL_LABELS]
    assert row["val_loss"] == pytest.approx(-np.log(val_truth).mean(), rel=1e-5)
    assert "class weights: a 0.60, b 1.00, c 3.00" in caplog.messages


def test_mixed_labels_count_as_the_mean_of_their_classes() -> None:
    batches = loader(IMAGES, LABELS)
    mixed = np.float32([[0.5, 0.25, 0.25], [0, 0, 1]])
    batches.batch = lambda *_: (IMAGES[:2], mixed)
    with Feed(batches, 0, 1, np.float32([0.6, 1, 3])) as feed:
        images, labels, weights = feed[0]

    np.testing.assert_array_equal(images, IMAGES[:2])
    np.testing.assert_array_equal(labels, mixed)
    np.testing.assert_allclose(weights, [0.3 + 0.25 + 0.75, 3], rtol=1e-6)


def test_weights_of_many_classes_are_told_by_their_extremes() -> None:
    names = [f"c{i}" for i in range(30)]

    told = class_weights.in_words(np.linspace(2, 0.5, 30), names)

    assert told == "from 0.50 (c29) to 2.00 (c0)"


def test_tensorflow_traces_a_step_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if keras.backend.backend() != "tensorflow":
        pytest.skip("others do so by themselves")
    traced = []
    step = keras.Model.train_step

    def counted(model: keras.Model, data: Any) -> Any:
        traced.append(model)
        return step(model, data)

    monkeypatch.setattr(keras.Model, "train_step", counted)
    train(tmp_path, StageConfig(epochs=2))

    assert len(traced) == 1
