"""What is shown, recorded and kept while a stage trains."""

from pathlib import Path

import keras
import numpy as np
import pytest

from dlcv import registry
from dlcv.config import StageConfig
from dlcv.data.loader import Loader
from dlcv.data.pipeline import Pipeline
from dlcv.data.subset import ArrayImages
from dlcv.errors import DlcvError
from dlcv.training import checkpoints
from dlcv.training.callbacks import FiniteLoss
from dlcv.training.history import History, read_csv
from dlcv.training.interruption import Interruption
from dlcv.training.stages import Training

STEPS_PER_EPOCH = 5


def training(folder: Path, *stages: StageConfig) -> Training:
    """A training of a linear network on 10 images in batches of 2."""
    rng = np.random.default_rng(0)
    images = ArrayImages(rng.integers(0, 256, (10, 2, 2, 1), np.uint8), [""] * 10)
    loader = Loader(images, Pipeline((), ()), batch_size=2, threads=1)
    (folder / "checkpoints").mkdir()
    network = [keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(1)]
    return Training(
        model=keras.Sequential(network),
        stages=stages,
        schedules=(registry.create("schedule", "constant"),) * len(stages),
        train=loader,
        val=loader,
        folder=folder / "checkpoints",
        history=History(folder, []),
        callbacks=[],
        checkpoint_every=1,
        asked=Interruption(),
    )


def stage(rate: float, epochs: int = 2) -> StageConfig:
    return StageConfig(
        epochs=epochs, optimizer=f"sgd(learning_rate={rate})", loss="mean_squared_error"
    )


def test_loss_that_is_no_number_ends_the_training_and_keeps_what_was_good(tmp_path: Path) -> None:
    with pytest.raises(DlcvError, match=r"no longer finite after step 1[1-5]; .*smaller learning"):
        training(tmp_path, stage(1e-9), stage(1e30)).run(None)

    found = checkpoints.load_newest(tmp_path / "checkpoints")
    assert found is not None
    assert found[0].position.step == 2 * STEPS_PER_EPOCH
    assert all(np.isfinite(weights).all() for weights in found[0].arrays)
    assert [row["epoch"] for row in read_csv(tmp_path / "history.csv")] == [1, 2]


def test_weights_that_the_last_step_of_an_epoch_broke_are_not_kept() -> None:
    callback = FiniteLoss(7)
    callback.on_train_batch_end(0, {"loss": 1.0})
    callback.on_epoch_end(0, {"loss": 1.0, "val_loss": 2.0})
    with pytest.raises(DlcvError, match="after step 8;"):
        callback.on_epoch_end(0, {"loss": 1.0, "val_loss": float("nan")})
