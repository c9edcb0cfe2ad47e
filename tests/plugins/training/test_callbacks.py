"""What is shown, recorded and kept while a stage trains."""

import logging
import re
from pathlib import Path

import attrs
import keras
import numpy as np
import pytest

from dlcv import progress, registry
from dlcv.config import StageConfig
from dlcv.data.loader import Loader
from dlcv.data.pipeline import Pipeline
from dlcv.data.subset import ArrayImages
from dlcv.errors import DlcvError
from dlcv.training import checkpoints
from dlcv.training.history import History, best_row, read_csv
from dlcv.training.network import Network
from dlcv_plugins.training.callbacks import FiniteLoss, Progress, Recorder
from dlcv_plugins.training.interruption import Interruption
from dlcv_plugins.training.stage import Training
from dlcv_plugins.training.train import train

STEPS_PER_EPOCH = 5


def training(folder: Path, *stages: StageConfig) -> Training:
    """A training of a linear network on 10 images in batches of 2."""
    rng = np.random.default_rng(0)
    images = ArrayImages(rng.integers(0, 256, (10, 2, 2, 1), np.uint8), [""] * 10)
    loader = Loader(images, Pipeline((), ()), batch_size=2, threads=1)
    (folder / "checkpoints").mkdir()
    inputs = keras.Input((2, 2, 1))
    features = keras.layers.Flatten()(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1)(features))
    front, body = keras.Model(inputs, inputs), keras.Model(inputs, features)
    return Training(
        network=Network(model, front, body),
        stages=stages,
        schedules=(registry.create("schedule", "constant"),) * len(stages),
        train=loader,
        val=loader,
        folder=folder / "checkpoints",
        history=History(folder, []),
        callbacks=[],
        checkpoint_every=1,
        keep_checkpoints=None,
        asked=Interruption(),
    )


def stage(rate: float, epochs: int = 2) -> StageConfig:
    return StageConfig(
        epochs=epochs, optimizer=f"sgd(learning_rate={rate})", loss="mean_squared_error"
    )


def test_loss_that_is_no_number_ends_the_training_and_keeps_what_was_good(tmp_path: Path) -> None:
    message = r"no longer finite after step 1[1-5]; .* try a smaller rate"
    with pytest.raises(DlcvError, match=message) as caught:
        train(training(tmp_path, stage(1e-9), stage(1e30)))
    assert f"`dlcv resume {tmp_path} --learning-rate RATE`" in str(caught.value)

    found = checkpoints.load_newest(tmp_path / "checkpoints")
    assert found is not None
    assert found[0].position.step == 2 * STEPS_PER_EPOCH
    assert all(np.isfinite(weights).all() for weights in found[0].arrays)
    assert [row["epoch"] for row in read_csv(tmp_path / "history.csv")] == [1, 2]


def test_loss_that_is_no_number_before_the_first_checkpoint_has_none_to_go_on_from(
    tmp_path: Path,
) -> None:
    with pytest.raises(DlcvError, match=r"after step [1-5]; try a smaller rate"):
        train(training(tmp_path, stage(1e30)))


def test_weights_that_the_last_step_of_an_epoch_broke_are_not_kept(tmp_path: Path) -> None:
    callback = FiniteLoss(7, tmp_path)
    callback.on_train_batch_end(0, {"loss": 1.0})
    callback.on_epoch_end(0, {"loss": 1.0, "val_loss": 2.0})
    with pytest.raises(DlcvError, match="after step 8;"):
        callback.on_epoch_end(0, {"loss": 1.0, "val_loss": float("nan")})


def test_epochs_are_told_in_a_log_while_they_last(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "dlcv")
    caplog.set_level(logging.INFO, "dlcv_plugins")
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    train(training(tmp_path, stage(1e-9)))

    # TensorFlow warns of networks compiled anew, whatever test did that.
    messages = [r.getMessage() for r in caplog.records if r.name.startswith("dlcv")]
    told = [message.split(",")[0] for message in messages]
    assert told == [
        *(f"epoch 1/2: {done} of 10" for done in (2, 4, 6, 8, 10)),
        "epoch 1 of 2: loss " + told[5].split()[-1],
        *(f"epoch 2/2: {done} of 10" for done in (2, 4, 6, 8, 10)),
        "epoch 2 of 2: loss " + told[11].split()[-1],
    ]
    assert re.fullmatch(
        r"epoch 1/2: 2 of 10, [\d,]+ images/s, \d+ s left, loss [\d.]+", messages[0]
    )


def test_progress_goes_on_within_an_epoch_and_knows_smaller_last_batches(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "dlcv")
    caplog.set_level(logging.INFO, "dlcv_plugins")
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    shown = Progress(images=10, batch_size=4, epochs=3, batches_done=1)
    for epoch, batches in ((1, 2), (2, 3)):
        shown.on_epoch_begin(epoch)
        for batch in range(batches):
            shown.on_train_batch_end(batch, {"loss": 0.5})
        shown.on_epoch_end(epoch)

    assert [message.split(",")[0] for message in caplog.messages] == [
        "epoch 2/3: 8 of 10", "epoch 2/3: 10 of 10",
        "epoch 3/3: 4 of 10", "epoch 3/3: 8 of 10", "epoch 3/3: 10 of 10",
    ]  # fmt: skip


def test_a_row_has_rate_and_time_of_its_epoch(tmp_path: Path) -> None:
    whole = training(tmp_path, stage(1), stage(1))
    history = whole.history
    recorder = Recorder(whole.stage(1), np.linspace(4, 1, 4), earlier_seconds=100.0)
    measured = {"loss": 1.5, "accuracy": 0.5, "val_loss": 2.5, "val_accuracy": 0.25}
    for epoch in range(2):
        recorder.on_epoch_begin(epoch)
        recorder.on_epoch_end(epoch, measured)

    assert [row.pop("seconds") for row in history.rows] == [
        pytest.approx(100, abs=5),
        pytest.approx(0, abs=5),
    ]
    assert history.rows == [
        {"stage": 2, "epoch": 1, "learning_rate": 4.0, **measured},
        {"stage": 2, "epoch": 2, "learning_rate": 2.0, **measured},
    ]


@pytest.mark.parametrize(("keep", "older"), [(None, 5), (0, 0), (2, 2)])
def test_checkpoints_beside_the_last_and_the_best_are_limited(
    tmp_path: Path, keep: int | None, older: int
) -> None:
    # The loss falls in each epoch, so that each has a checkpoint.
    one = attrs.evolve(training(tmp_path, stage(1e-9, epochs=6)), keep_checkpoints=keep)
    train(one)

    last, best = 6, best_row(one.history.rows)["epoch"]
    kept = {checkpoints.load(p).epochs for p in (tmp_path / "checkpoints").iterdir()}
    assert {last, best} <= kept
    assert len(kept - {last, best}) == older
