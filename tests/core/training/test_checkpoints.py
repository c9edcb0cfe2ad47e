"""Checkpoints: whole or refused, the newest whole one used, the last few kept."""

import hashlib
import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import attrs
import keras
import numpy as np
import pytest

from dlcv.errors import DlcvError
from dlcv.training import checkpoints
from dlcv.training.checkpoints import MAGIC, Checkpoint, Position

META = {
    "position": {"stage": 0, "epoch": 2, "batch": 1, "step": 9},
    "paths": ["dense/kernel", "dense/bias"],
    "history": [{"stage": 1, "epoch": 1, "loss": 0.5, "val_loss": 0.6}],
    "seconds": 1.5,
}


def made(step: int = 9) -> Checkpoint:
    arrays = [np.arange(6, dtype=np.float32).reshape(2, 3), np.array([1, 2, 3], np.int64)]
    return Checkpoint(Position(0, 2, 1, step), arrays, META["paths"], META["history"], 1.5)


def write(path: Path, meta: Any = None, **arrays: np.ndarray) -> Path:
    """Writes a file whose checksum is right, whatever it holds."""
    body = io.BytesIO()
    np.savez(body, **arrays, **({} if meta is None else {"meta": np.array(json.dumps(meta))}))
    content = body.getvalue()
    path.write_bytes(MAGIC + hashlib.sha256(content).digest() + content)
    return path


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    loaded = checkpoints.load(checkpoints.save(tmp_path / "new", made()))

    assert loaded.position == Position(stage=0, epoch=2, batch=1, step=9)
    assert (loaded.paths, loaded.history, loaded.seconds) == (META["paths"], META["history"], 1.5)
    for array, expected in zip(loaded.arrays, made().arrays, strict=True):
        assert array.dtype == expected.dtype
        np.testing.assert_array_equal(array, expected)


def test_order_holds_for_many_variables(tmp_path: Path) -> None:
    arrays = [np.full(1, i) for i in range(1100)]
    many = Checkpoint(Position(), arrays, [f"v{i}" for i in range(1100)], [])

    loaded = checkpoints.load(checkpoints.save(tmp_path, many))

    assert [int(a[0]) for a in loaded.arrays] == list(range(1100))


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_file_that_is_cut_off_is_refused(tmp_path: Path, share: float) -> None:
    path = checkpoints.save(tmp_path, made())
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])

    with pytest.raises(DlcvError, match=f"{path.name} is damaged"):
        checkpoints.load(path)


def test_every_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = checkpoints.save(tmp_path, made())
    content = path.read_bytes()
    # All of magic number and checksum, and places all over the archive.
    for place in (*range(48), *range(48, len(content), 37), len(content) - 1):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(DlcvError, match="is damaged"):
            checkpoints.load(path)


def test_a_small_file_of_large_arrays_takes_no_memory(tmp_path: Path) -> None:
    body = io.BytesIO()
    np.savez_compressed(body, **{"000000": np.zeros(10**7, np.uint8)}, meta=json.dumps(META))
    content = body.getvalue()
    path = tmp_path / "epoch_0001_step_000000001_stage_0.checkpoint"
    path.write_bytes(MAGIC + hashlib.sha256(content).digest() + content)
    tracemalloc.start()
    with pytest.raises(DlcvError, match="no checkpoint that can be read: its content is compr"):
        checkpoints.load(path)
    assert tracemalloc.get_traced_memory()[1] < 10**6
    tracemalloc.stop()


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DlcvError, match=r"can't read .*nowhere: No such file"):
        checkpoints.load(tmp_path / "nowhere")


ARRAYS = {"000000": np.zeros((2, 3)), "000001": np.zeros(3)}
FOREIGN = {
    "no meta": (None, ARRAYS),
    "meta is a number": (3, ARRAYS),
    "meta is empty": ({}, ARRAYS),
    "more in meta": ({**META, "more": 1}, ARRAYS),
    "position is a list": ({**META, "position": [1, 2]}, ARRAYS),
    "position is text": ({**META, "position": {"stage": "1"}}, ARRAYS),
    "position is negative": ({**META, "position": {"step": -1}}, ARRAYS),
    "unknown position": ({**META, "position": {"place": 1}}, ARRAYS),
    "paths are numbers": ({**META, "paths": [1, 2]}, ARRAYS),
    "history is text": ({**META, "history": "loss"}, ARRAYS),
    "history holds numbers": ({**META, "history": [1]}, ARRAYS),
    "history without losses": ({**META, "history": [{"stage": 1, "epoch": 1}]}, ARRAYS),
    "history of texts": ({**META, "history": [{**META["history"][0], "loss": "low"}]}, ARRAYS),
    "seconds are text": ({**META, "seconds": "1"}, ARRAYS),
    "an array is missing": (META, {"000000": np.zeros((2, 3))}),
    "arrays of other names": (META, {"000000": np.zeros((2, 3)), "kernel": np.zeros(3)}),
    "averages beyond the arrays": ({**META, "averages": [[0, 2]]}, ARRAYS),
    "averages are numbers": ({**META, "averages": [1, 2]}, ARRAYS),
    "pickled": (META, {**ARRAYS, "000001": np.array([{}], object)}),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_whole_file_of_another_form_is_refused(tmp_path: Path, name: str) -> None:
    meta, arrays = FOREIGN[name]
    path = write(tmp_path / "epoch_0001_step_000000001_stage_0.checkpoint", meta, **arrays)

    with pytest.raises(DlcvError, match=f"{path.name} is no checkpoint that can be read"):
        checkpoints.load(path)


def test_one_before_a_damaged_one_is_used_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for step in (9, 10):
        checkpoints.save(tmp_path, made(step))
    newest = write(tmp_path / "epoch_0001_step_000000011_stage_0.checkpoint", {})

    loaded, path = checkpoints.load_newest(tmp_path) or (None, None)

    assert loaded is not None
    assert loaded.position.step == 10
    assert path == tmp_path / "epoch_0001_step_000000010_stage_0.checkpoint"
    assert f"{newest} is no checkpoint" in caplog.text
    assert "trying the one before" in caplog.text


def test_the_newest_is_that_of_the_most_steps_however_many_digits_they_have(tmp_path: Path) -> None:
    counts = [(9_999, 999_999_999, 9), (10_000, 1_000_000_000, 9), (10_000, 1_000_000_000, 10)]
    for epochs, step, stage in counts[::-1]:
        (tmp_path / f"epoch_{epochs:04d}_step_{step:09d}_stage_{stage}.checkpoint").touch()
    (tmp_path / "epoch_20000.checkpoint").touch()
    found = [path.name.split("_")[1::2] for path in checkpoints.newest_first(tmp_path)]
    assert found == [
        ["10000", "1000000000", "10.checkpoint"],
        ["10000", "1000000000", "9.checkpoint"],
        ["9999", "999999999", "9.checkpoint"],
    ]


def test_no_checkpoint_is_not_an_error_but_only_damaged_ones_are(tmp_path: Path) -> None:
    assert checkpoints.load_newest(tmp_path / "nowhere") is None
    write(tmp_path / "epoch_0001_step_000000011_stage_0.checkpoint")

    with pytest.raises(DlcvError, match="holds no whole checkpoint"):
        checkpoints.load_newest(tmp_path)


def trained(stages: dict[int, list[float]]) -> list[Checkpoint]:
    """One for each epoch, of 10 steps, with the validation losses of each stage."""
    rows: list[dict[str, Any]] = []
    made = []
    for stage, losses in stages.items():
        for epoch, loss in enumerate(losses, 1):
            rows.append({"stage": stage + 1, "epoch": len(rows) + 1, "val_loss": loss})
            position = Position(stage, epoch, 0, 10 * len(rows))
            made.append(Checkpoint(position, [np.full(3, len(rows))], ["dense/bias"], list(rows)))
    return made


LOSSES = {0: [0.9, 0.5, 0.7, 0.8], 1: [0.8, 0.4, 0.45, 0.6, 0.4, 0.6, 0.5]}
"""The best epochs are 2 and 6."""


def test_best_and_single_epochs_are_found(tmp_path: Path) -> None:
    made = trained(LOSSES)
    for checkpoint in made:
        checkpoints.save(tmp_path, checkpoint)
    within = attrs.evolve(made[-1], position=Position(1, 7, 3, 113))
    checkpoints.save(tmp_path, within)

    best = checkpoints.load_chosen(tmp_path, "best")
    assert best is not None
    assert best[0].arrays[0][0] == 6
    assert checkpoints.load_epoch(tmp_path, 11)[0].position == Position(1, 7, 0, 110)
    with pytest.raises(DlcvError, match="no checkpoint of epoch 12; there are those of 1, 2, 3,"):
        checkpoints.load_epoch(tmp_path, 12)


def test_an_epoch_that_was_only_left_in_the_middle_of_the_next_is_not_found(tmp_path: Path) -> None:
    last = trained({0: [1.0, 2.0]})[-1]
    checkpoints.save(tmp_path, attrs.evolve(last, position=Position(0, 2, 3, 23)))

    with pytest.raises(DlcvError, match="no checkpoint of epoch 2"):
        checkpoints.load_epoch(tmp_path, 2)


def test_best_of_those_that_are_left_is_found(tmp_path: Path) -> None:
    for checkpoint in trained(LOSSES):
        path = checkpoints.save(tmp_path, checkpoint)
        if checkpoint.epochs == 6:
            path.unlink()

    best = checkpoints.load_chosen(tmp_path, "best")
    assert best is not None
    assert best[0].epochs == 9


def test_averages_stand_for_the_weights_where_the_network_is_used() -> None:
    arrays = [np.full(2, i) for i in range(5)]
    paths = ["a/kernel", "a/seed", "sgd/iteration", "sgd/a_kernel_average", "loss/total"]
    whole = Checkpoint(Position(0, 1), arrays, paths, [], averages=[[0, 3]])

    used = whole.of_network(2)

    assert [int(a[0]) for a in used.arrays] == [3, 1]
    assert used.paths == ["a/kernel", "a/seed"]


def test_writing_that_fails_leaves_the_old_ones_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in (1, 2, 3):
        checkpoints.save(tmp_path, made(step))
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    for step in (3, 4):
        with pytest.raises(OSError, match="no space left"):
            checkpoints.save(tmp_path, made(step))

    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.fixture
def variables() -> list[Any]:
    layer = keras.layers.Dense(3, name="dense")
    layer.build((None, 2))
    return layer.variables


def test_variables_take_the_values(variables: list[Any]) -> None:
    checkpoints.restore(made(), variables, "it")

    for variable, array in zip(variables, made().arrays, strict=True):
        np.testing.assert_array_equal(variable, array)


@pytest.mark.parametrize(
    ("arrays", "paths", "message"),
    [
        ([(2, 4), (3,)], ["dense/kernel", "dense/bias"], r"it holds dense/kernel \(2, 4\) where"),
        ([(2, 3), (3,)], ["dense/kernel", "dense/gain"], r"it holds dense/gain .* dense/bias"),
        ([(2, 3)], ["dense/kernel"], "it holds 1 variables, but the network has 2"),
    ],
    ids=["shape", "name", "count"],
)
def test_variable_that_does_not_fit_is_named_and_nothing_is_restored(
    variables: list[Any], arrays: list[tuple[int, ...]], paths: list[str], message: str
) -> None:
    before = [np.array(v) for v in variables]
    other = Checkpoint(Position(), [np.full(shape, 7.0) for shape in arrays], paths, [])

    with pytest.raises(DlcvError, match=message):
        checkpoints.restore(other, variables, "it")
    for variable, array in zip(variables, before, strict=True):
        np.testing.assert_array_equal(variable, array)
