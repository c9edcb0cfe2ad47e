"""Precise statistics of batch normalization, against NumPy on the same batches."""

from pathlib import Path

import keras
import numpy as np
import pytest
from in_memory import InMemory

from dlcv import registry
from dlcv.config import StageConfig
from dlcv.data.loader import Loader
from dlcv.data.pipeline import Pipeline
from dlcv.interfaces import evolve
from dlcv.training.history import History
from dlcv.training.network import Network
from dlcv_plugins.training.batch_statistics import BatchStatistics
from dlcv_plugins.training.hooks import dlcv_stage
from dlcv_plugins.training.interruption import Interruption
from dlcv_plugins.training.stage import Training
from dlcv_plugins.training.train import train as run

PIXELS = np.random.default_rng(0).integers(0, 256, (18, 2, 2, 1), np.uint8)
BATCH = 4


def loader(seed: int | None = None) -> Loader:
    images = InMemory(PIXELS, np.arange(18) % 3, ("a", "b", "c"))
    return Loader(images, Pipeline((), ()), batch_size=BATCH, threads=1, seed=seed)


def network(momentum: float = 0.99) -> Network:
    inputs = keras.Input((2, 2, 1))
    x = keras.layers.Rescaling(1 / 64)(inputs)
    x = keras.layers.BatchNormalization(momentum=momentum, name="first")(x)
    features = keras.layers.Flatten()(keras.layers.Dropout(0.5)(x))
    outputs = keras.layers.Dense(3, "softmax", name="out")(features)
    model = keras.Model(inputs, outputs)
    return Network(model, keras.Model(inputs, x), keras.Model(inputs, features))


def by_hand(train: Loader, epoch: int) -> tuple[float, float]:
    """Mean and variance of all values of the full batches: 16 of 18 images."""
    chosen = train.order(epoch)[:16]
    values = PIXELS[chosen].astype(np.float64) / 64
    means = values.reshape(4, -1).mean(axis=1)
    return means.mean(), values.reshape(4, -1).var(axis=1).mean() + means.var()


def test_statistics_are_those_of_an_epochs_full_batches() -> None:
    model, train = network().model, loader(seed=5)
    BatchStatistics(model).estimate(train, epoch=3)
    layer = model.get_layer("first")
    mean, variance = by_hand(train, 3)
    np.testing.assert_allclose(layer.moving_mean[0], mean, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance[0], variance, rtol=1e-5)


def test_nothing_else_changes() -> None:
    model = network().model
    model.compile("sgd", "categorical_crossentropy")
    before = [np.array(v) for v in model.variables if "moving" not in v.path]
    BatchStatistics(model).estimate(loader(), epoch=0)
    after = [np.array(v) for v in model.variables if "moving" not in v.path]
    assert all(map(np.array_equal, before, after))
    assert model.get_layer("first").momentum == 0.99


def test_layers_that_are_not_trained_keep_their_statistics() -> None:
    model = network().model
    model.get_layer("first").trainable = False
    statistics = BatchStatistics(model)
    assert not statistics.are_wanted("precise", 4)
    statistics.estimate(loader(), epoch=0)
    assert model.get_layer("first").moving_mean[0] == 0


@pytest.mark.parametrize(
    ("momentum", "steps", "wanted"),
    [(0.99, 21, True), (0.99, 299, True), (0.99, 301, False), (0.9, 29, True), (0.9, 31, False)],
)
def test_auto_is_precise_where_averages_cannot_settle(
    momentum: float, steps: int, wanted: bool
) -> None:
    statistics = BatchStatistics(network(momentum).model)
    assert statistics.are_wanted("auto", steps) is wanted
    assert statistics.are_wanted("precise", steps)
    assert not statistics.are_wanted("moving", steps)


@pytest.mark.parametrize("choice", ["auto", "moving"])
def test_a_stage_ends_with_the_statistics_that_are_chosen(tmp_path: Path, choice: str) -> None:
    stage = evolve(StageConfig(optimizer="sgd", schedule="constant"), epochs=2)
    parts, train = network(), loader(seed=1)
    training = Training(
        network=parts,
        stages=(evolve(stage, batch_statistics=choice),),
        schedules=(registry.create("schedule", "constant"),),
        train=train,
        val=loader(),
        folder=tmp_path / "checkpoints",
        history=History(tmp_path, []),
        callbacks=[],
        checkpoint_every=1,
        keep_checkpoints=None,
        asked=Interruption(),
        prepare=dlcv_stage,
    )
    run(training)
    found = float(parts.model.get_layer("first").moving_mean[0])
    mean, _ = by_hand(train, 1)
    # Of the 10 batches of a training, a moving average has taken up a tenth.
    expected = mean if choice == "auto" else mean * (1 - 0.99**10)
    assert found == pytest.approx(expected, rel=1e-5 if choice == "auto" else 0.1)
