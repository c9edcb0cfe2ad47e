"""Runs that fail: what stays is whole, and what was to be replaced is there again."""

import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import pytest

import dlcv
from dlcv.errors import DlcvError
from dlcv.hooks import hook
from dlcv.registry import registry

SMALL = {"data": "digits(size=8)", "architecture": "mlp(units=4)", "fraction": 0.1,
         "threads": 1, "schedule": "constant"}  # fmt: skip


class Hooks:
    """Calls something before each epoch of a training."""

    act: Callable[[int], None] = staticmethod(lambda epoch: None)

    @hook
    def dlcv_callbacks(self, run: dlcv.Run) -> list[keras.callbacks.Callback]:
        return [keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, _: self.act(epoch))]


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    hooks = Hooks()
    registry.hooks()
    registry._manager.register(hooks)
    yield hooks
    registry._manager.unregister(hooks)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run, `runs/net`, not to be changed."""
    folder = tmp_path_factory.mktemp("finished")
    train(folder)
    return folder


@pytest.fixture
def old(finished: Path, tmp_path: Path) -> dlcv.Run:
    """A copy of the finished run, `runs/net`."""
    shutil.copytree(finished / "runs", tmp_path / "runs", symlinks=True)
    return dlcv.load(tmp_path / "runs" / "net")


def train(folder: Path, **options: Any) -> dlcv.Run:
    options = {"epochs": 1, **SMALL, **options}
    return dlcv.run(runs=folder / "runs", name="net", force=True, **options)


def content(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != ".lock"}


def stop_at_once(epoch: int) -> None:
    raise KeyboardInterrupt


def refuse(epoch: int) -> None:
    raise DlcvError("stopped on purpose")


@pytest.mark.parametrize(
    ("act", "options", "error"),
    [
        (None, {"optimizer": "sgd(learning_rate=1e30)"}, DlcvError),
        (refuse, {}, DlcvError),
        (stop_at_once, {}, KeyboardInterrupt),
    ],
    ids=["no number", "error", "ctrl+c twice"],
)
def test_replaced_run_is_back_where_the_new_one_comes_to_nothing(
    tmp_path: Path, old: dlcv.Run, hooks: Hooks, act: Any, options: Any, error: type[BaseException]
) -> None:
    before = content(tmp_path)
    hooks.act = act or hooks.act

    with pytest.raises(error):
        train(tmp_path, **options)

    assert content(tmp_path) == before
    assert [p.name for p in sorted((tmp_path / "runs").iterdir())] == ["latest", "net"]
    assert dlcv.load(tmp_path / "runs" / "latest").metrics == old.metrics


def test_replaced_run_is_gone_once_the_new_one_has_a_checkpoint(
    tmp_path: Path, old: dlcv.Run, hooks: Hooks
) -> None:
    there = []

    def look(epoch: int) -> None:
        there.append((tmp_path / "runs" / ".net.old").exists())
        if epoch == 2:
            refuse(epoch)

    hooks.act = look
    with pytest.raises(DlcvError, match="stopped on purpose"):
        train(tmp_path, epochs=3)

    # The first epoch is the best so far, so it has a checkpoint, which is noticed after it.
    assert there == [True, True, False]
    run = dlcv.load(tmp_path / "runs" / "net")
    assert [row["epoch"] for row in run.history] == [1, 2]
    hooks.act = lambda epoch: None
    assert len(dlcv.resume(run.path).history) == 3


def test_stage_whose_loss_is_no_number_is_trained_with_another_rate(
    tmp_path: Path, old: dlcv.Run
) -> None:
    wild = {"optimizer": "sgd(learning_rate=1e30)", "epochs": 2}
    with pytest.raises(DlcvError, match="goes on from it; try a smaller rate"):
        dlcv.resume(old.path, **wild)

    run = dlcv.resume(old.path, learning_rate=0.001)

    assert run.finished
    assert [row["stage"] for row in run.history] == [1, 2, 2]
    assert all(math.isfinite(row["loss"]) for row in run.history)
    optimizers = [str(stage.optimizer) for stage in run.config.stages]
    assert optimizers == [str(old.config.stages[0].optimizer), "sgd(learning_rate=0.001)"]


def test_going_back_to_the_end_of_a_stage_trains_the_next_one_anew(
    tmp_path: Path, old: dlcv.Run
) -> None:
    dlcv.resume(old.path, epochs=2, learning_rate=0.01)

    run = dlcv.resume(old.path, from_epoch=1, learning_rate=0.001)

    assert [row["stage"] for row in run.history] == [1, 2, 2]
    rates = [stage.optimizer.options["learning_rate"] for stage in run.config.stages]
    assert rates == [0.003, 0.001]
