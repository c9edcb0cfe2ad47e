"""Runs on data that is divided in several ways, and what run.toml says of it."""

from pathlib import Path

import defective
import numpy as np
import pytest
from PIL import Image

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


class TestGroups:
    """Images that a division kept together stay so, whatever is found about them later."""

    @pytest.fixture
    def copies(self, tmp_path):
        for seed in range(60):
            folder = tmp_path / "copies" / "ab"[seed % 2]
            folder.mkdir(parents=True, exist_ok=True)
            image = defective.picture(seed - seed % 2 if seed % 3 == 0 else seed)
            image.save(folder / f"{seed:02}.png")
            if seed % 3 == 0:
                image.resize((40, 30)).save(folder / f"{seed:02}-small.png")
        return tmp_path / "copies"

    @pytest.fixture
    def without_looking(self, monkeypatch):
        def look(*_):
            raise AssertionError("looked for copies")

        monkeypatch.setattr("dlcv_plugins.groupings.duplicates.Duplicates.copies", look)

    @pytest.fixture
    def run(self, copies):
        return dlcv.run(data=str(copies), test=0.2, validation=0.2, **SMALL)

    def test_the_groups_are_kept_with_the_run(self, run, without_looking):
        assert "duplicates(" in run.directory.config.read_text()
        kept = run.groups
        assert len(kept) == 80
        assert len(np.unique(kept)) < 62
        again = dlcv.load(run.path)
        ids = {name: again.predictions(split=name).sample_ids for name in ("train", "val", "test")}
        sides = {Path(i).stem: name for name, found in ids.items() for i in found}
        assert all(sides[i] == sides[f"{i}-small"] for i in sides if f"{i}-small" in sides)
        assert len(sides) == 80
        longer = dlcv.resume(run.path, epochs=1, learning_rate=0.001)
        assert len(longer.history) == 2

    @pytest.mark.slow
    def test_runs_from_before_there_were_groups_keep_their_division(
        self, run, copies, without_looking
    ):
        plain = dlcv.run(data=str(copies), test=0.2, validation=0.2, groups="none", **SMALL)
        assert plain.groups is None
        config = plain.directory.config
        kept = [line for line in config.read_text().splitlines() if "groups" not in line]
        config.write_text("\n".join(kept))
        ids = dlcv.load(plain.path).predictions(split="val").sample_ids
        assert ids == plain.predictions(split="val").sample_ids
        assert len(dlcv.resume(plain.path, epochs=1, learning_rate=0.001).history) == 2

    def test_a_fitted_classifier_has_the_groups_of_its_features(self, run, copies):
        fitted = dlcv.transfer(str(run.path), data=str(copies), test=0.2, validation=0.2, threads=1)
        np.testing.assert_array_equal(fitted.groups, run.groups)
        for split in ("val", "test"):
            ids = [each.predictions(split=split).sample_ids for each in (fitted, run)]
            assert ids[0] == ids[1]

    def test_copies_across_given_parts_are_counted_and_left_out(self, tmp_path, caplog):
        """Three of the ten test images are training images, one of them mirrored."""
        for split, seeds in (("train", range(60)), ("test", [1, 2, 4, *range(60, 67)])):
            for seed in seeds:
                folder = tmp_path / "set" / split / "ab"[seed % 2]
                folder.mkdir(parents=True, exist_ok=True)
                image = defective.picture(seed)
                if (split, seed) == ("test", 4):
                    image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
                image.save(folder / f"{seed:02}.png")
        given = {"data": str(tmp_path / "set"), "validation": 0.2, **SMALL}
        run = dlcv.run(**given)
        assert "3 of 10 test images have a copy among the training images" in caplog.text
        found = run.directory.read_json("metrics")
        predicted = run.predictions()
        copied = [Path(i).stem in ("01", "02", "04") for i in predicted.sample_ids]
        trained = {Path(i).stem for i in run.predictions(split="train").sample_ids}
        copied = [is_one and Path(i).stem in trained
                  for is_one, i in zip(copied, predicted.sample_ids, strict=True)]  # fmt: skip
        assert predicted.has_copy.tolist() == copied
        right = predicted.combined.argmax(axis=1) == predicted.labels
        new = right[~np.array(copied)]
        assert found["metrics"]["accuracy_without_copies"] == pytest.approx(new.mean())
        assert any("have a copy among the training images" in note for note in found["notes"])
        best = dlcv.load(run.path, checkpoint="best").predictions()
        assert best.has_copy.tolist() == copied
        fitted = dlcv.transfer(str(run.path), data=given["data"], validation=0.2, threads=1)
        assert fitted.predictions().has_copy.tolist() == copied
        assert dlcv.run(groups="none", **given).predictions().has_copy is None

    def test_members_share_the_groups(self, copies):
        runs = dlcv.run(data=str(copies), test=0.2, validation=0.2, members=2, **SMALL)
        for member in runs.members:
            np.testing.assert_array_equal(member.groups, dlcv.load(runs.path).members[0].groups)
        assert len({member.predictions(split="val").sample_ids for member in runs.members}) == 1
