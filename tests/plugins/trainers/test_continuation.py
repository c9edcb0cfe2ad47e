"""Runs that go on with other settings: what is said, and what is refused before it is touched."""

import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlcv
from dlcv.config import StageConfig, changed_stage
from dlcv.errors import DlcvError
from dlcv.runs.experiment import Experiment
from dlcv_plugins.trainers.gradient_descent.continuation import _cut, _new_stage, remove_newer


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> dlcv.Run:
    return dlcv.run(
        data="digits", architecture="shallownet", epochs=2, batch_size=256, threads=1,
        checkpoint_every=1, schedule="constant", runs=tmp_path_factory.mktemp("runs"), name="first",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"from_epoch": 1}, "would repeat the same training; change an option"),
        ({"learning_rate": 0.1}, "all epochs are trained; set how many to add"),
        ({"epochs": 1, "from_epoch": 3}, "no checkpoint of epoch 3; there are those of 1, 2"),
        ({"learningrate": 0.1}, 'no option "learningrate"; did you mean "learning_rate"'),
        ({"stop_after": 3}, 'no option "stop_after"'),
        ({"epochs": 0}, "epochs: expected int >= 1, received 0"),
        ({"epochs": 1, "learning_rate": "fast"}, 'learning_rate: expected float, received "fast"'),
        ({"epochs": 1, "learning_rate": -1.0}, "learning_rate: expected a number > 0"),
        ({"epochs": 1, "optimizer": "sgdd"}, 'unknown optimizer "sgdd".*; did you mean "sgd"'),
        ({"epochs": 1, "schedule": "cosin"}, 'unknown schedule "cosin".*; did you mean "cosine"'),
        ({"epochs": 1, "trainable": "conv9"}, 'no layer is named "conv9"'),
    ],
)
def test_what_can_not_be_done_is_refused_and_nothing_is_touched(
    run: dlcv.Run, options: dict[str, Any], message: str
) -> None:
    before = {p: p.read_bytes() for p in run.path.rglob("*") if p.is_file()}

    with pytest.raises(DlcvError, match=message):
        dlcv.resume(run.path, **options)

    assert {p: p.read_bytes() for p in run.path.rglob("*") if p.is_file()} == before


def test_best_last_and_single_checkpoints_are_loaded(run: dlcv.Run) -> None:
    def val_loss(checkpoint: str | int) -> float:
        network = dlcv.load(run.path, checkpoint=checkpoint).model
        network.compile(loss="categorical_crossentropy")
        loader = Experiment.reopen(run.config, run.pipeline).loader("val")
        images, labels = zip(*loader.epoch(), strict=True)
        return network.evaluate(np.concatenate(images), np.concatenate(labels), verbose=0)

    rows = run.history
    for row in rows:
        assert val_loss(row["epoch"]) == pytest.approx(row["val_loss"], rel=1e-4)
    assert val_loss("last") == pytest.approx(rows[-1]["val_loss"], rel=1e-4)
    assert val_loss("best") == pytest.approx(min(r["val_loss"] for r in rows), rel=1e-4)
    kept = dlcv.load(run.path).predictions().probabilities
    first = dlcv.load(run.path, checkpoint=1).predictions().probabilities
    assert first.shape == kept.shape
    assert np.abs(first - kept).max() > 0.01
    for wrong, message in (("worst", 'snapshots, received "worst"'), (9, "of epoch 9")):
        with pytest.raises(DlcvError, match=message):
            _ = dlcv.load(run.path, checkpoint=wrong).model


def test_finished_run_goes_on_with_another_rate(
    run: dlcv.Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = dlcv.load(shutil.copytree(run.path, tmp_path / "copy"))
    caplog.set_level(logging.INFO, "dlcv_plugins")
    before = run.history
    dlcv.load(run.path).predictions(split="val")
    (run.path / "evaluation").mkdir()
    (run.path / "evaluation" / "confusion.png").touch()

    longer = dlcv.resume(run.path, learning_rate=0.0001, epochs=1, schedule="step(at=3)")

    assert longer.finished
    # What was found about the network before is no longer true.
    assert not (run.path / "predictions").exists()
    assert not (run.path / "evaluation").exists()
    assert longer.history[:2] == before
    assert [row["stage"] for row in longer.history] == [1, 1, 2]
    assert longer.history[-1]["learning_rate"] == pytest.approx(0.0001)
    assert (
        "stage 2: 1 epoch with adam(learning_rate=0.0001), step(warmup=0.0, by=step, at=3.0, "
        "factor=0.1), learning rate 0.0001 (so far 0.003)"
    ) in caplog.text
    # Another test of this process may have started TensorFlow with other threads.
    own = [r for r in caplog.records if r.name.startswith("dlcv") and r.name != "dlcv.backend"]
    assert not [record for record in own if record.levelname == "WARNING"]
    record = longer.directory.read_json("environment")["plugins"]
    assert {"constant", "step"} <= {p["name"] for p in record}
    assert dlcv.load(run.path).config.stages[1].epochs == 1


def test_cut_stage_keeps_its_schedule_and_its_last_weights() -> None:
    stage = StageConfig(epochs=20, early_stopping=3)

    assert _cut(stage, 20) == stage
    assert _cut(stage, 7) == StageConfig(epochs=20, stop_after=7)


def test_new_stage_is_as_the_one_before_but_for_what_is_named() -> None:
    before = StageConfig(epochs=20, stop_after=7, optimizer="sgd(momentum=0.9)", batch_size=8)

    new = _new_stage(before, 13, {"learning_rate": 0.5})

    assert (new.epochs, new.stop_after, new.batch_size) == (13, None, 8)
    assert str(new.optimizer) == "sgd(momentum=0.9, learning_rate=0.5)"
    assert new.last_epoch == 13
    assert changed_stage(before, epochs=30).last_epoch == 7


def test_run_without_a_checkpoint_has_nothing_to_go_on_from(run: dlcv.Run, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(run.path, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "checkpoints")

    with pytest.raises(DlcvError, match="no checkpoint yet; start a new run"):
        dlcv.resume(tmp_path / "copy", epochs=1)


def test_going_back_removes_what_came_after(tmp_path: Path) -> None:
    names = [f"epoch_000{number}_step_00000000{number}_stage_0.checkpoint" for number in range(5)]
    for name in (*names, "others"):
        (tmp_path / name).touch()

    remove_newer(tmp_path / names[2])

    assert sorted(path.name for path in tmp_path.iterdir()) == [*names[:3], "others"]
