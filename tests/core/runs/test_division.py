"""Runs on data that is divided in several ways, and what run.toml says of it."""

import numpy as np
import pytest

import dlcv
from dlcv.config import RunConfig
from dlcv.errors import DlcvError

SMALL = {
    "architecture": "mlp(units=4)", "epochs": 1, "threads": 1, "input_size": 8,
    "preprocessors": "scale",
}  # fmt: skip


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def split_of(run):
    config = RunConfig.load(run.directory.config).split
    return config.test, config.validation, config.train_validation


def test_a_train_validation_part_is_neither_trained_on_nor_validated_with(photos):
    run = dlcv.run(data=str(photos(count=20)), train_validation=0.1, **SMALL)
    assert split_of(run) == (0.2, 0.1, 0.1)
    images = run.directory.read_json("environment")["data"]["images"]
    assert images == {"train": 36, "train_val": 6, "val": 6, "test": 12}
    ids = {name: run.predictions(split=name).sample_ids for name in images}
    assert {name: len(found) for name, found in ids.items()} == images
    assert len({i for found in ids.values() for i in found}) == 60


def test_what_is_written_down_divides_the_same_again(photos):
    first = dlcv.run(data=str(photos(count=20)), test=0, validation=0.25, **SMALL)
    assert split_of(first) == (0, 0.25, None)
    assert first.directory.read_json("metrics")["split"] == "val"
    again = dlcv.run(str(first.directory.config))
    assert first.directory.config.read_text() == again.directory.config.read_text()
    np.testing.assert_array_equal(first.predictions().sample_ids, again.predictions().sample_ids)


def test_data_without_a_test_part_gets_one_on_demand(photos, tmp_path):
    photos(name="set/train", count=20)
    photos(name="set/val", count=5)
    run = dlcv.run(data=str(tmp_path / "set"), test=12, **SMALL)
    assert split_of(run) == (12, None, None)
    images = run.directory.read_json("environment")["data"]["images"]
    assert images == {"train": 48, "val": 15, "test": 12}
    assert run.directory.read_json("metrics")["split"] == "test"


def test_a_part_that_the_data_has_is_refused_before_any_image_is_read(photos, tmp_path):
    photos(name="set/train", count=5)
    photos(name="set/test", count=5)
    (tmp_path / "set" / "train" / "red" / "000.png").write_bytes(b"")
    with pytest.raises(DlcvError, match=r"the data has a test part of its own, so test = 0\.3 is"):
        dlcv.run(data=str(tmp_path / "set"), test=0.3, **SMALL)
    assert not (tmp_path / "runs").exists()


def test_a_folder_may_hold_a_train_validation_part(photos, tmp_path):
    for name, count in (("train", 6), ("train_val", 2), ("val", 3), ("test", 4)):
        photos(name=f"set/{name}", count=count)
    run = dlcv.run(data=str(tmp_path / "set"), **SMALL)
    assert split_of(run) == (None, None, None)
    images = run.directory.read_json("environment")["data"]["images"]
    assert images == {"train": 18, "train_val": 6, "val": 9, "test": 12}
    # Without a split named, that of the final test is taken.
    assert len(run.predictions(str(tmp_path / "set")).labels) == 12
    assert len(run.predictions(str(tmp_path / "set"), "train_val").labels) == 6
