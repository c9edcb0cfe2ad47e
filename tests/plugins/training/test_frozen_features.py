"""The output of a frozen body, kept: the same training in less time."""

import itertools
import logging
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import dlcv
from dlcv import registry
from dlcv.config import StageConfig
from dlcv.data.loader import Loader
from dlcv.data.pipeline import Pipeline
from dlcv.data.subset import ArrayImages
from dlcv.errors import DlcvError
from dlcv.interfaces import Architecture, option, plugin
from dlcv.training import checkpoints
from dlcv.training.history import History
from dlcv.training.network import build_parts
from dlcv_plugins.training import frozen_features
from dlcv_plugins.training.hooks import dlcv_stage
from dlcv_plugins.training.interruption import Interrupted, Interruption
from dlcv_plugins.training.stage import Training
from dlcv_plugins.training.train import train as run


class Noise(keras.layers.Layer):
    """Random in training and in prediction."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self.generator = keras.random.SeedGenerator(0)

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return x + keras.random.normal(keras.ops.shape(x), seed=self.generator)


@plugin
class Net(Architecture):
    """A body with batch normalization, and a head with dropout."""

    dropout: float = option(0.0, help="dropout in the body")
    noise: bool = option(False, help="whether the body is random in prediction, too")
    activity: bool = option(False, help="whether the body adds to the loss")

    def features(self, x: keras.KerasTensor) -> keras.KerasTensor:
        x = keras.layers.Conv2D(4, 3, name="conv")(x)
        x = keras.layers.BatchNormalization(name="bn")(x)
        if self.noise:
            x = Noise(name="noise")(x)
        if self.activity:
            x = keras.layers.ActivityRegularization(0.1, name="activity")(x)
        return keras.layers.Dropout(self.dropout, name="drop")(x)

    def classify(self, x: keras.KerasTensor, classes: int) -> keras.KerasTensor:
        return super().classify(keras.layers.Dropout(0.4, name="head_drop")(x), classes)


def train(
    folder: Path,
    stage: StageConfig,
    network: Architecture | None = None,
    steps: str = "scale",
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Training:
    rng = np.random.default_rng(0)
    images = ArrayImages(rng.integers(0, 256, (22, 6, 6, 1), np.uint8), [""] * 22)
    images.labels, images.label_names = rng.integers(0, 3, 22), ("a", "b", "c")
    made = registry.create_list("preprocessor", steps)
    pipeline = Pipeline.of(made).with_sizes((6, 6))
    keras.utils.set_random_seed(1)
    folder.mkdir(exist_ok=True)
    training = Training(
        network=build_parts(network or Net(), pipeline, (6, 6, 1), 3, "float32"),
        stages=(stage,),
        schedules=(registry.create("schedule", "constant"),),
        train=Loader(images, pipeline, batch_size=4, threads=1, seed=3),
        val=Loader(images, pipeline, batch_size=4, threads=1),
        folder=folder / "checkpoints",
        history=History(folder, []),
        callbacks=list(callbacks),
        checkpoint_every=1,
        keep_checkpoints=None,
        asked=Interruption(),
        prepare=dlcv_stage,
    )
    run(training)
    return training


def stop(logs: Any = None) -> None:
    raise DlcvError("about to begin")


def begin(folder: Path, stage: StageConfig, *what: Any, **options: Any) -> None:
    """Does all that comes before a training."""
    stopping = keras.callbacks.LambdaCallback(on_train_begin=stop)
    with pytest.raises(DlcvError, match="about to begin"):
        train(folder, stage, *what, **options, callbacks=[stopping])


HEAD = StageConfig(epochs=2, optimizer="adam(learning_rate=0.02, use_ema=True)", trainable="head")


@pytest.mark.parametrize("in_memory", [2**30, 0])
def test_result_is_that_of_training_with_the_body(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    in_memory: int,
) -> None:
    caplog.set_level(logging.INFO, "dlcv_plugins")
    monkeypatch.setattr(frozen_features, "IN_MEMORY", in_memory)
    kept = train(tmp_path / "kept", HEAD)
    assert "the output of the frozen body is computed once for the stage: 0.0 MB" in caplog.messages
    monkeypatch.setattr(frozen_features, "_obstacle", lambda network, train: "the test says so")
    whole = train(tmp_path / "whole", HEAD)

    for ours, theirs in zip(kept.history.rows, whole.history.rows, strict=True):
        assert {k: v for k, v in ours.items() if k != "seconds"} == {
            k: pytest.approx(v, abs=1e-5) for k, v in theirs.items() if k != "seconds"
        }
    names = [
        sorted(path.name for path in (tmp_path / run / "checkpoints").iterdir())
        for run in ("kept", "whole")
    ]
    assert names[0] == names[1]
    for name in names[0]:
        ours, theirs = (
            checkpoints.load(tmp_path / run / "checkpoints" / name) for run in ("kept", "whole")
        )
        assert ours.averages == theirs.averages
        for place in range(len(theirs.arrays)):
            assert checkpoints._stable(ours.paths[place]) == checkpoints._stable(
                theirs.paths[place]
            )
            np.testing.assert_allclose(ours.arrays[place], theirs.arrays[place], atol=1e-5)
    assert not list((tmp_path / "kept").glob(".*"))


def test_frozen_body_drops_nothing_whether_or_not_its_output_is_cached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "dlcv_plugins")
    cached = train(tmp_path / "cached", HEAD, Net(dropout=0.5))
    assert "since" not in caplog.text
    monkeypatch.setattr(frozen_features, "_obstacle", lambda network, train: "the test says so")
    whole = train(tmp_path / "whole", HEAD, Net(dropout=0.5))

    for ours, theirs in zip(cached.history.rows, whole.history.rows, strict=True):
        assert {k: v for k, v in ours.items() if k != "seconds"} == {
            k: pytest.approx(v, abs=1e-5) for k, v in theirs.items() if k != "seconds"
        }


@pytest.mark.parametrize(
    ("network", "steps", "reason"),
    [
        (Net(noise=True), "scale", "its layer noise is random"),
        (Net(activity=True), "scale", "its layer activity adds to the loss"),
        (Net(), "flip, scale", "a preprocessor is random"),
        (Net(), "mixup, scale", "a preprocessor is random"),
    ],
)
def test_reason_is_logged_where_it_is_computed_each_epoch(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    network: Architecture,
    steps: str,
    reason: str,
) -> None:
    caplog.set_level(logging.INFO, "dlcv_plugins")

    begin(tmp_path, StageConfig(epochs=2, trainable="head"), network, steps)

    said = "the output of the frozen body is computed in every epoch, since "
    assert [m for m in caplog.messages if "frozen body" in m] == [said + reason]


@pytest.mark.parametrize(
    ("stage", "steps"),
    [
        (StageConfig(epochs=2), "scale"),
        (StageConfig(epochs=2, trainable="bn, predictions"), "scale"),
        (StageConfig(epochs=1, trainable="head"), "scale"),
    ],
)
def test_where_nothing_is_to_be_gained_nothing_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, stage: StageConfig, steps: str
) -> None:
    caplog.set_level(logging.INFO, "dlcv_plugins")

    begin(tmp_path, stage, steps=steps)

    assert "frozen body" not in caplog.text


def test_step_that_is_not_random_does_not_hinder(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "dlcv_plugins")

    begin(tmp_path, StageConfig(epochs=2, trainable="head"), steps="simple(size=6), scale")

    assert "is computed once for the stage" in caplog.text


def test_asking_to_stop_ends_it_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frozen_features, "IN_MEMORY", 0)
    batches = itertools.count()
    batch: Callable[..., Any] = Loader.batch

    def asking(self: Loader, *arguments: Any) -> Any:
        Interruption.signal = 2 if next(batches) > 2 else 0
        return batch(self, *arguments)

    monkeypatch.setattr(Loader, "batch", asking)
    monkeypatch.setattr(Interruption, "signal", 0)

    with pytest.raises(Interrupted):
        train(tmp_path / "run", HEAD)

    assert not [p.name for p in (tmp_path / "run").iterdir() if p.is_file()]


def test_features_come_in_batches_of_another_size(tmp_path: Path) -> None:
    training = train(tmp_path / "run", HEAD)
    features = np.arange(22 * 2, dtype=np.float32).reshape(22, 2)
    loader = frozen_features.FeatureLoader(training.val, features).with_batch_size(5)

    batches = list(loader.epoch())

    assert [len(values) for values, _ in batches] == [5, 5, 5, 5, 2]
    np.testing.assert_array_equal(np.concatenate([values for values, _ in batches]), features)


def test_what_is_left_of_a_stage_is_trained_on_features_of_the_weights_it_began_with(
    tmp_path: Path,
) -> None:
    common: dict[str, Any] = {
        "data": "digits(size=12)", "architecture": "lenet(width=0.1)", "fraction": 0.1,
        "threads": 1, "evaluators": "rank", "sections": "", "runs": tmp_path,
    }  # fmt: skip
    base = dlcv.run(name="base", epochs=1, seed=5, **common)
    whole = dlcv.run(
        name="whole", epochs=3, trainable="head", checkpoint_every=1,
        initial_weights=str(base.path), **common,
    )  # fmt: skip
    stopped = Path(shutil.copytree(whole.path, tmp_path / "stopped"))
    for name in ("metrics.json", "predictions.npz", "model.keras"):
        (stopped / name).unlink()
    for path in sorted((stopped / "checkpoints").iterdir())[1:]:
        path.unlink()

    resumed = dlcv.resume(stopped)
    rows = [[{**row, "seconds": 0} for row in run.history] for run in (resumed, whole)]
    assert rows[0] == rows[1]
