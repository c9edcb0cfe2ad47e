"""Packing from Python: what is in the folder, and what is refused."""

import hashlib
import os
import shutil
import time
import tomllib
from collections import Counter
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
from conftest import write_image

from dlcv import files, registry
from dlcv.config import SplitConfig
from dlcv.data.sources import find_store, open_dataset
from dlcv.errors import DlcvError, ImageError
from dlcv.images import read_image
from dlcv.interfaces import Preprocessor, plugin
from dlcv_plugins.commands.data.pack.pack import pack


def packed(source, out, preprocessors="aspect_aware(size=16)", **options):
    split = options.pop("split", SplitConfig())
    return pack(str(source), out, preprocessors=preprocessors, split=split, **options)


def description(out):
    return tomllib.loads((out / "dataset.toml").read_text(encoding="utf-8"))


def test_rows_are_the_images_of_each_split_after_the_pixel_steps(photos, tmp_path):
    root = photos(count=20)
    packed(root, tmp_path / "out", "aspect_aware(size=12)", threads=3)
    expected = open_dataset(find_store(str(root)), SplitConfig())
    (resize,) = registry.create_list("preprocessor", "aspect_aware(size=12)")
    for name, images in expected.splits.items():
        with h5py.File(tmp_path / "out" / f"{name}.hdf5") as file:
            np.testing.assert_array_equal(
                file["images"][:], resize(images.read(range(len(images))))
            )
            np.testing.assert_array_equal(file["labels"][:], images.labels)
            assert list(file["label_names"].asstr()) == ["blue", "green", "red"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "dataset.toml", "test.hdf5", "train.hdf5", "val.hdf5",
    ]  # fmt: skip


def test_what_was_packed_opens_as_a_data_set_with_the_same_splits(photos, tmp_path):
    root = photos(count=20)
    result = packed(root, tmp_path / "out")
    data = open_dataset(find_store(str(tmp_path / "out")), SplitConfig())
    counts = {name: len(images) for name, images in data.splits.items()}
    assert counts == {"train": 42, "val": 6, "test": 12}
    assert {name: count for name, (count, _) in result.splits.items()} == counts
    assert data.splits["train"].image_shape == (16, 16, 3)


def test_whatever_splits_there_are_get_files(photos, tmp_path):
    result = packed(photos(count=20), tmp_path / "out", split=SplitConfig(train_validation=6))
    assert {name: count for name, (count, _) in result.splits.items()} == {
        "train": 36, "train_val": 6, "val": 6, "test": 12,
    }  # fmt: skip
    opened = open_dataset(find_store(str(tmp_path / "out")), SplitConfig())
    assert {name: len(split) for name, split in opened.splits.items()} == {
        "train": 36, "train_val": 6, "val": 6, "test": 12,
    }  # fmt: skip


def test_the_description_is_true(photos, tmp_path):
    root = photos(count=10, size=(16, 16))
    (root / "red" / "004.png").unlink()
    out = tmp_path / "out"
    result = packed(root, out, split=SplitConfig(test=6, validation=0.2, seed=3))
    found = description(out)
    assert found["source"] == f'folder(path="{root}", color_mode=rgb)'
    assert found["named_as"] == str(root)
    assert found["preprocessors"] == "aspect_aware(size=16, interpolation=area, final_resize=False)"
    assert found["image_shape"] == [16, 16, 3]
    assert found["label_names"] == ["blue", "green", "red"]
    split = {"test": 6, "validation": 0.2, "small_classes": "error"}
    split |= {"method": "stratified", "seed": 3}
    assert found["split"] == split
    assert found["images"] == {"train": 17, "val": 6, "test": 6}
    assert found["images_by_class"] == {
        "train": {"blue": 6, "green": 6, "red": 5},
        "val": {"blue": 2, "green": 2, "red": 2},
        "test": {"blue": 2, "green": 2, "red": 2},
    }
    assert found["bad_images"] == "error"
    assert found["skipped"] == []
    with h5py.File(out / "train.hdf5") as file:
        means = file["images"][:].astype(np.float64).mean(axis=(0, 1, 2))
    assert found["training_mean"] == pytest.approx(dict(zip("RGB", means, strict=True)))
    assert found["files"] == {
        path.name: {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "bytes": path.stat().st_size,
            "modified_nanoseconds": path.stat().st_mtime_ns,
            "start_sha256": hashlib.sha256(path.read_bytes()[:131_072]).hexdigest(),
        }
        for path in out.glob("*.hdf5")
    }
    assert result.splits["val"] == (6, round((out / "val.hdf5").stat().st_size / 1e6, 2))


def test_checksums_are_known_without_reading_what_was_written(photos, tmp_path, monkeypatch):
    read = []
    monkeypatch.setattr(files, "sha256", lambda path, *doing: read.append(path) or "none")
    packed(photos(), tmp_path / "out")
    assert read == []


def test_the_mean_is_of_the_training_images_alone_by_channel_in_rgb(tmp_path):
    # One color for training, another for the rest: red 200, green 40, blue 10 in training.
    for split, color in (("train", (10, 40, 200)), ("val", (99, 99, 99)), ("test", (0, 0, 0))):
        for name in ("a", "b"):
            folder = tmp_path / "set" / split / name
            folder.mkdir(parents=True)
            cv2.imwrite(str(folder / "1.png"), np.full((6, 9, 3), color, np.uint8))
    packed(tmp_path / "set", tmp_path / "out", "simple(size=4)")
    assert description(tmp_path / "out")["training_mean"] == {"R": 200, "G": 40, "B": 10}


def test_grey_digits_are_packed_as_they_are(tmp_path):
    packed("digits", tmp_path / "out", "")
    found = description(tmp_path / "out")
    assert found["image_shape"] == [8, 8, 1]
    assert found["preprocessors"] == ""
    assert found["images"] == {"train": 1258, "val": 180, "test": 359}
    assert list(found["training_mean"]) == ["0"]


def test_a_random_step_is_packed_in_its_deterministic_form(photos, tmp_path):
    root = photos(size=(16, 16))
    for name in ("one", "two"):
        packed(root, tmp_path / name, "patch(size=8)", threads=3)
    one, two = (h5py.File(tmp_path / name / "train.hdf5")["images"][:] for name in ("one", "two"))
    np.testing.assert_array_equal(one, two)


def test_the_same_call_writes_the_same_bytes(photos, tmp_path):
    root = photos()
    found = []
    for threads in (1, 4):
        packed(root, tmp_path / str(threads), threads=threads)
        found.append(description(tmp_path / str(threads)))
        for record in found[-1]["files"].values():
            del record["modified_nanoseconds"]
        # A time of day in the files would differ from here on.
        time.sleep(1.1)
    assert found[0] == found[1]


def test_the_mean_image_is_written_on_request(photos, tmp_path):
    packed(photos(), tmp_path / "out", mean_image=True)
    with h5py.File(tmp_path / "out" / "train.hdf5") as file:
        expected = file["images"][:].astype(np.float64).mean(axis=0)
    with np.load(tmp_path / "out" / "mean_image.npz", allow_pickle=False) as archive:
        np.testing.assert_allclose(archive["mean"], expected, rtol=1e-12)
    record = description(tmp_path / "out")["files"]["mean_image.npz"]
    content = (tmp_path / "out" / "mean_image.npz").read_bytes()
    assert record["sha256"] == hashlib.sha256(content).hexdigest()


def test_means_are_exact_for_bright_images_of_any_number(tmp_path):
    for label in "ab":
        for number in range(70):
            write_image(tmp_path / "set" / label / f"{number}.png", np.full((9, 9, 3), 255, "u1"))
    packed(tmp_path / "set", tmp_path / "out", "simple(size=4)")
    assert description(tmp_path / "out")["training_mean"] == {"R": 255, "G": 255, "B": 255}


class TestDecoding:
    @pytest.fixture
    def decoded(self, monkeypatch):
        """The names of the files that are decoded, as often as they are."""
        names = []
        monkeypatch.setattr(
            "dlcv.images.reading.read_image",
            lambda path, *mode: names.append(path) or read_image(path, *mode),
        )
        return names

    @pytest.mark.parametrize(
        ("options", "times"), [({}, 1), ({"bad_images": "skip"}, 2), ({"preprocessors": ""}, 2)]
    )
    def test_each_image_is_decoded_once_where_nothing_depends_on_a_look_before(
        self, photos, tmp_path, decoded, options, times
    ):
        packed(photos(size=(20, 20)), tmp_path / "out", **options)
        assert sorted(Counter(decoded).values()) == [times] * 30

    @pytest.mark.parametrize("preprocessors", ["simple(size=8)", ""])
    def test_a_bad_image_is_named_with_a_cure_and_nothing_is_left(
        self, photos, tmp_path, preprocessors
    ):
        root = photos(size=(20, 20))
        (root / "red" / "003.png").write_bytes((root / "red" / "003.png").read_bytes()[:300])
        with pytest.raises(ImageError) as caught:
            packed(root, tmp_path / "out", preprocessors)
        assert str(caught.value).startswith(f"{root}/red/003.png: ")
        assert str(caught.value).count("003.png") == 1
        assert "remove the image, or leave such images out with --bad-images" in str(caught.value)
        assert [path.name for path in tmp_path.iterdir()] == ["photos"]


@pytest.mark.parametrize("name", ['we"ird', "back\\slash", "söme, (näme)", "a 'b'"])
def test_the_folder_may_have_any_name(photos, tmp_path, name):
    packed(photos(), tmp_path / name)
    assert len(open_dataset(find_store(str(tmp_path / name)), SplitConfig()).splits) == 3


def test_bad_images_are_an_error_or_skipped_and_told(photos, tmp_path):
    root, out = photos(), tmp_path / "out"
    bad = root / "green" / "005.png"
    bad.write_bytes(bad.read_bytes()[:50])
    with pytest.raises(ImageError, match=r"green/005\.png"):
        packed(root, out)
    assert not out.exists()
    packed(root, out, bad_images="skip")
    found = description(out)
    assert sum(found["images"].values()) == 29
    assert len(found["skipped"]) == 1
    assert found["skipped"][0].startswith(str(bad))


@pytest.mark.parametrize(
    ("preprocessors", "message"),
    [
        ("aspect_aware(size=9), mean, scale", "mean, scale runs in the network"),
        ("aspect_aware", "aspect_aware has no size; give it one, as in aspect_aware(size=64)"),
        ("aspect_aware(size=9), patch", "patch has no size; give it one"),
        ("", "the images differ in size; choose one with --size, or with a step that resizes"),
        ("aspect_awar(size=9)", 'unknown preprocessor "aspect_awar"'),
    ],
)  # fmt: skip
def test_steps_that_can_not_be_packed_are_refused(photos, tmp_path, preprocessors, message):
    with pytest.raises(DlcvError) as caught:
        packed(photos(), tmp_path / "out", preprocessors)
    assert message in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


class TestExisting:
    def test_an_existing_folder_is_refused(self, photos, tmp_path):
        root, out = photos(), tmp_path / "out"
        packed(root, out)
        before = description(out)
        with pytest.raises(DlcvError, match=r"exists already; choose another name, or .* --force"):
            packed(root, out, "aspect_aware(size=9)")
        assert description(out) == before

    def test_force_replaces_a_packed_data_set(self, photos, tmp_path):
        root, out = photos(), tmp_path / "out"
        packed(root, out)
        packed(root, out, "aspect_aware(size=9)", force=True)
        assert description(out)["image_shape"] == [9, 9, 3]
        assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "photos"]

    def test_a_packed_data_set_can_be_packed_again_into_its_own_place(self, photos, tmp_path):
        out = tmp_path / "out"
        packed(photos(size=(16, 16)), out)
        packed(out, out, "simple(size=4)", force=True)
        assert description(out)["image_shape"] == [4, 4, 3]
        assert description(out)["images"] == {"train": 21, "val": 3, "test": 6}

    def test_force_never_replaces_photos(self, photos, tmp_path):
        root = photos()
        before = sorted(root.rglob("*"))
        with pytest.raises(DlcvError, match="is not a packed data set, so --force doesn't replace"):
            packed(root, root, force=True)
        assert sorted(root.rglob("*")) == before

    @pytest.mark.parametrize("is_damaged", [False, True])
    def test_force_never_replaces_what_else_is_in_the_folder(self, photos, tmp_path, is_damaged):
        out = tmp_path / "out"
        packed(photos(), out)
        (out / "photos").mkdir()
        (out / "photos" / "mine.png").touch()
        if is_damaged:
            (out / "dataset.toml").write_text("files = 3")
        before = sorted(out.rglob("*"))
        with pytest.raises(DlcvError, match="which is no part of the packed data set and would be"):
            packed(tmp_path / "photos", out, force=True)
        assert sorted(out.rglob("*")) == before

    def test_a_folder_without_a_name_is_refused(self, photos, tmp_path, monkeypatch):
        root = photos()
        (tmp_path / "empty").mkdir()
        monkeypatch.chdir(tmp_path / "empty")
        with pytest.raises(DlcvError, match="has no name of its own; name the folder to write"):
            packed(root, Path(), force=True)

    def test_force_takes_an_empty_folder(self, photos, tmp_path):
        (tmp_path / "out").mkdir()
        packed(photos(), tmp_path / "out", force=True)
        assert (tmp_path / "out" / "dataset.toml").is_file()

    def test_an_error_while_replacing_keeps_the_old_data_set(self, photos, tmp_path):
        @plugin
        class Fails(Preprocessor):
            """Fails when it is used."""

            def __call__(self, images, rng=None):
                raise ZeroDivisionError

            def output_shape(self, shape):
                return (4, 4, 3)

        root, out = photos(), tmp_path / "out"
        packed(root, out)
        before = {path.name: path.read_bytes() for path in out.iterdir()}
        with registry.register("preprocessor", "fails", Fails), pytest.raises(ZeroDivisionError):
            packed(root, out, "fails", force=True)
        assert {path.name: path.read_bytes() for path in out.iterdir()} == before
        assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "photos"]


class TestCopies:
    """Data sets whose files have other times than when they were packed."""

    @pytest.fixture
    def copy(self, photos, tmp_path):
        packed(photos(), tmp_path / "out")
        return shutil.copytree(tmp_path / "out", tmp_path / "copy", copy_function=shutil.copy)

    def test_a_copy_is_compared_once_and_says_so(self, copy, monkeypatch, caplog):
        caplog.set_level("INFO")
        compared = []
        sha256 = files.sha256
        monkeypatch.setattr(
            files, "sha256", lambda path, *doing: compared.append(path.name) or sha256(path)
        )
        for _ in range(3):
            assert len(find_store(str(copy)).open("train")) == 21
        assert compared == ["train.hdf5"]
        (line,) = [m for m in caplog.messages if "another time" in m]
        assert str(copy / "train.hdf5") in line
        assert "cp -p" in line

    def test_a_copy_that_may_not_be_touched_opens_too(self, copy, monkeypatch):
        def refuse(*_, **__):
            raise PermissionError

        monkeypatch.setattr(os, "utime", refuse)
        for _ in range(2):
            assert len(find_store(str(copy)).open("train")) == 21

    def test_a_damaged_file_is_refused_before_it_is_opened(self, copy):
        content = bytearray((copy / "train.hdf5").read_bytes())
        content[len(content) // 2] ^= 1
        (copy / "train.hdf5").write_bytes(content)
        for _ in range(2):
            with pytest.raises(DlcvError, match=r"train\.hdf5 is damaged: its content is not what"):
                find_store(str(copy)).open("train")
        assert len(find_store(str(copy)).open("val")) == 3

    def test_a_file_that_is_cut_off_is_refused_by_its_size(self, copy):
        os.truncate(copy / "train.hdf5", 70_000)
        with pytest.raises(DlcvError, match=r"train\.hdf5 is damaged: it has 70000 bytes, not the"):
            find_store(str(copy)).open("train")
