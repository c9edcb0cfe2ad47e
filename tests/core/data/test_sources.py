"""From what a user names to the images: plugins, paths, and splits that fit together."""

import logging
import os
import subprocess
import sys

import h5py
import numpy as np
import pytest
from in_memory import InMemory, numbered

from dlcv import registry
from dlcv.config import SplitConfig
from dlcv.data.sources import align_labels, find_store, open_dataset, open_split
from dlcv.errors import DlcvError, ImageError
from dlcv.interfaces import DatasetStore, plugin
from dlcv_plugins.stores.digits import Digits
from dlcv_plugins.stores.folder import Folder
from dlcv_plugins.stores.hdf5 import Hdf5


def write_packed(path, names=("a", "b"), count=4, size=(3, 3)):
    path.parent.mkdir(exist_ok=True)
    with h5py.File(path, "w") as file:
        file["images"] = np.zeros((count, *size, 3), np.uint8)
        file["labels"] = np.arange(count) % len(names)
        file["label_names"] = list(names)
    return path


class TestFinding:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("digits", Digits()),
            (" digits ", Digits()),
            ("digits(size=12)", Digits(size=12)),
            ("dlcv.digits", Digits()),
            ("dlcv.digits(size=12)", Digits(size=12)),
            ("folder(path='/x')", Folder(path="/x")),
        ],
    )
    def test_a_plugin_is_named_with_and_without_options(self, text, expected):
        assert find_store(text) == expected

    def test_a_plugin_wins_over_a_folder_of_the_same_name(self, photos, tmp_path, monkeypatch):
        photos(name="digits")
        monkeypatch.chdir(tmp_path)
        assert find_store("digits") == Digits()
        assert find_store("./digits").path == tmp_path / "digits"
        assert isinstance(find_store("./digits"), Folder)

    @pytest.mark.parametrize("name", ["digits (1)", "my(photos)", "Fotos für später", "a,b"])
    def test_a_folder_may_have_any_name(self, photos, tmp_path, monkeypatch, name):
        photos(name=name)
        monkeypatch.chdir(tmp_path)
        assert find_store(name) == Folder(path=tmp_path / name)

    @pytest.mark.parametrize(
        ("files", "told"),
        [
            ([], "for it holds no files"),
            (["notes.txt", "a/.1.jpg"], "for it holds no images"),
            (["1.jpg", "2.tga"], "for nothing tells the images' classes"),
            (
                ["a/1.dng", "b/2.DNG"],
                "its images are in formats that are not read (.dng); convert them to JPEG or PNG",
            ),
        ],
    )
    def test_what_a_folder_holds_instead_of_a_data_set_is_told(self, tmp_path, files, told):
        for name in files:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()
        with pytest.raises(DlcvError) as caught:
            find_store(str(tmp_path))
        assert f"{tmp_path}: no data set is recognized there" in str(caught.value)
        assert f"{told}; what would be: csv: a file" in str(caught.value)

    def test_what_was_recognised_is_said(self, photos, caplog):
        caplog.set_level(logging.INFO, "dlcv")
        root = photos()
        assert find_store(str(root)) == Folder(path=root)
        assert caplog.messages == [f"{root}: recognized as folder"]

    def test_a_divided_folder_is_recognised(self, photos, tmp_path):
        for split in ("train", "test"):
            photos(name=f"set/{split}")
        store = find_store(str(tmp_path / "set"))
        assert store == Folder(path=tmp_path / "set")
        assert store.splits() == ("train", "test")

    def test_packed_data_is_recognised_as_a_folder_and_as_a_file(self, tmp_path):
        file = write_packed(tmp_path / "packed" / "train.hdf5")
        assert find_store(str(tmp_path / "packed")) == Hdf5(path=tmp_path / "packed")
        assert find_store(str(file)) == Hdf5(path=file)

    def test_the_home_folder_can_be_written_as_a_tilde(self, photos, tmp_path, monkeypatch):
        root = photos()
        monkeypatch.setenv("HOME", str(tmp_path))
        assert find_store("~/photos") == Folder(path=root)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("nowhere", "no such file or folder: nowhere"),
            ("", "the name of the data set is empty"),
            ("digit", 'no such file or folder: digit; did you mean "digits"?'),
            ("~nobody-at-all/x", "no such file or folder: ~nobody-at-all/x"),
            ("digitz(size=9)", 'unknown store "digitz"'),
            ("digits(" + "size=9, " * 100, "can't read"),
            ("x" * 5000, "no such file or folder"),
        ],
    )
    def test_what_is_not_there_is_an_error(self, text, message):
        with pytest.raises(DlcvError) as caught:
            find_store(text)
        assert message in str(caught.value)

    def test_a_disabled_plugin_is_named_as_such(self, monkeypatch):
        monkeypatch.setenv("DLCV_DISABLE", "digits")
        with pytest.raises(DlcvError, match=r'"digits" of dlcv .* is disabled by DLCV_DISABLE'):
            find_store("digits")

    @pytest.mark.parametrize("content", ["folder", "text", "photos without classes"])
    def test_what_is_not_recognised_is_an_error(self, tmp_path, content):
        path = tmp_path / "thing"
        if content == "text":
            path.write_text("hello")
        else:
            path.mkdir()
        if content == "photos without classes":
            (path / "photo.jpg").write_bytes(b"")
        with pytest.raises(DlcvError) as caught:
            find_store(str(path))
        assert str(caught.value).startswith(f"{path}: no data set is recognized there")
        assert "; what would be: csv: a file" in str(caught.value)
        assert "; folder: a folder of class folders with images, or" in str(caught.value)

    def test_a_broken_store_of_somebody_else_stops_nobody(self, photos, tmp_path):
        root = photos()
        info = tmp_path / "site" / "acme-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[dlcv.stores]\naaa = no_such_module:Aaa\n")
        code = f"from dlcv.data.sources import find_store; print(find_store({str(root)!r}))"
        environment = os.environ | {"PYTHONPATH": str(info.parent)}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True
        )
        assert done.stdout.startswith("Folder("), done.stderr
        assert 'store "aaa" of acme 1.0 is broken' in done.stderr


@plugin
class Splits(DatasetStore):
    """Holds the splits that a test gives it."""

    def splits(self):
        return tuple(self.opened)

    def open(self, split):
        return self.opened[split]

    @classmethod
    def of(cls, **opened):
        store = cls()
        object.__setattr__(store, "opened", opened)
        return store


def small_split(names=("a", "b"), size=(4, 4), channels=3, count=12):
    return InMemory(
        [np.full((*size, channels), i, np.uint8) for i in range(count)],
        [i % len(names) for i in range(count)],
        names,
    )


class TestOpening:
    def test_an_undivided_set_is_divided(self):
        data = open_dataset(Digits(), SplitConfig(test=100, validation=50))
        assert {n: len(images) for n, images in data.splits.items()} == {
            "train": 1647,
            "val": 50,
            "test": 100,
        }
        assert data.label_names == tuple("0123456789")
        assert data.skipped == ()

    def test_train_val_and_test_folders_are_used_as_they_are(self, photos, tmp_path):
        for split, count in (("train", 5), ("val", 3), ("test", 2)):
            photos(name=f"set/{split}", count=count)
        data = open_dataset(find_store(str(tmp_path / "set")), SplitConfig(), threads=2)
        assert list(data.splits) == ["train", "val", "test"]
        assert [len(images) for images in data.splits.values()] == [15, 9, 6]
        for name, images in data.splits.items():
            ids = [images.sample_id(i) for i in range(len(images))]
            assert all(path.startswith(str(tmp_path / "set" / name)) for path in ids)

    def test_a_bad_image_is_an_error_or_skipped_and_told(self, photos, caplog):
        root = photos(size=(5, 5))
        (root / "red" / "003.png").write_bytes(b"")
        with pytest.raises(ImageError, match=r"red/003\.png: is empty"):
            open_dataset(Folder(path=root), SplitConfig())
        data = open_dataset(Folder(path=root), SplitConfig(), bad_images="skip")
        assert data.skipped == (f"{root}/red/003.png: is empty",)
        assert sum(len(images) for images in data.splits.values()) == 29
        assert "unreadable images are left out: 1" in caplog.text

    @pytest.mark.parametrize(
        ("splits", "message"),
        [
            (
                {"train": small_split(("a", "b")), "val": small_split(("a", "c"))},
                "the splits train and val differ in the classes b, c",
            ),
            (
                {"train": small_split(("a", "b", "c")), "test": small_split(("a", "b"))},
                "the splits train and test differ in the classes c",
            ),
            (
                {"all": small_split(("only",))},
                "a classifier needs at least two classes; the data has only one class, only",
            ),
            ({"all": InMemory([np.zeros((1, 1, 3))], [0], [])}, "the data has no classes"),
            (
                {"train": small_split(("a", "b", "c"), count=2), "val": small_split("abc")},
                "there is no image of c to train with",
            ),
            (
                {"train": small_split(), "val": small_split(channels=1)},
                "some splits have color images and others do not",
            ),
        ],
    )
    def test_splits_that_do_not_fit_together_are_an_error(self, splits, message):
        with pytest.raises(DlcvError) as caught:
            open_dataset(Splits.of(**splits), SplitConfig())
        assert message in str(caught.value)

    def test_classes_in_another_order_are_matched_by_name(self):
        train, val = small_split(("a", "b")), small_split(("b", "a"))
        data = open_dataset(Splits.of(train=train, val=val), SplitConfig())
        assert data.splits["val"].label_names == ("a", "b")
        assert data.splits["val"].labels.tolist() == [1, 0] * 6

    def test_a_class_that_a_later_split_lacks_is_told(self, caplog):
        train, val, test = numbered(6, classes=3), numbered(2, classes=3), numbered(3, classes=3)
        val.labels = np.array([0, 0])
        open_dataset(Splits.of(train=train, val=val, test=test), SplitConfig())
        assert caplog.messages == [
            "the split val has no image of b, c; the accuracy there can't be measured"
        ]

    def test_splits_of_different_sizes_have_no_size_together(self):
        train, val = small_split(size=(4, 4)), small_split(size=(5, 4))
        data = open_dataset(Splits.of(train=train, val=val), SplitConfig())
        assert {images.image_shape for images in data.splits.values()} == {(None, None, 3)}

    def test_a_class_whose_images_are_all_bad_is_named(self, photos, tmp_path):
        for split in ("train", "val"):
            photos(name=f"set/{split}", count=2)
        for file in (tmp_path / "set" / "train" / "green").iterdir():
            file.write_bytes(b"")
        with pytest.raises(DlcvError, match="there is no image of green to train with"):
            open_dataset(Folder(path=tmp_path / "set"), SplitConfig(), bad_images="skip")

    def test_a_split_whose_images_are_all_bad_is_named(self, photos, tmp_path):
        for split in ("train", "val"):
            photos(name=f"set/{split}", count=2)
        for file in (tmp_path / "set" / "val").glob("*/*"):
            file.write_bytes(b"")
        with pytest.raises(DlcvError, match="the split val has no images"):
            open_dataset(Folder(path=tmp_path / "set"), SplitConfig(), bad_images="skip")

    @pytest.mark.parametrize("way", ["skip", "train"])
    def test_a_class_without_images_is_left_out_on_request(self, photos, tmp_path, caplog, way):
        for split in ("train", "val"):
            photos(name=f"set/{split}", count=2)
        (tmp_path / "set" / "train" / "violet").mkdir()
        store, asked = Folder(path=tmp_path / "set"), SplitConfig(small_classes=way)
        data = open_dataset(store, asked)
        assert {images.label_names for images in data.splits.values()} == {("blue", "green", "red")}
        assert "left out, for having too few images: violet (0 images)" in caplog.messages
        alone = open_split(store, asked, "val").images
        assert alone.fingerprint() == data.splits["val"].fingerprint()
        assert alone.labels.tolist() == data.splits["val"].labels.tolist()


class TestAligning:
    def test_labels_are_matched_by_name(self):
        aligned = align_labels(numbered(6, classes=3), ("c", "x", "b", "a"))
        assert aligned.labels.tolist() == [3, 2, 0, 3, 2, 0]
        assert aligned.label_names == ("c", "x", "b", "a")
        assert aligned.read([4])[0, 0, 0, 0] == 4

    @pytest.mark.parametrize(
        ("known", "message"),
        [
            (("a", "c"), "does not know the class b of the data; it knows a, c"),
            (("c",), "does not know the classes a, b of the data; it knows c"),
            (tuple("cdefghijklm"), "it knows c, d, e, f, g, ... (11 in all)"),
        ],
    )
    def test_classes_that_a_model_does_not_know_are_named(self, known, message):
        with pytest.raises(DlcvError) as caught:
            align_labels(numbered(4), known)
        assert message in str(caught.value)


def test_a_store_that_is_registered_recognises_its_paths(tmp_path):
    @plugin
    class Text(Splits):
        """Recognises text files."""

        @classmethod
        def recognise(cls, path):
            return cls() if path.suffix == ".txt" else None

    (tmp_path / "data.txt").write_text("")
    with registry.register("store", "text", Text):
        assert isinstance(find_store(str(tmp_path / "data.txt")), Text)


@pytest.mark.parametrize("name", ["cifar10", "flowers12"])
def test_real_image_folders_are_recognised_with_their_splits(real_data, name):
    store = find_store(str(real_data / name))
    assert isinstance(store, Folder)
    assert store.splits() == ("train", "test")
    expected = {"cifar10": (10, 10_000), "flowers12": (12, 240)}[name]
    opened = store.open("test")
    assert (len(opened.label_names), len(opened)) == expected
    assert np.bincount(opened.labels).tolist() == [expected[1] // expected[0]] * expected[0]


class TestFraction:
    def test_each_split_is_reduced_and_the_rest_is_not_looked_at(self, photos):
        root = photos(count=20)
        whole = open_dataset(find_store(str(root)), SplitConfig(test=0.2, validation=0.2))
        part = open_dataset(
            find_store(str(root)), SplitConfig(test=0.2, validation=0.2), fraction=0.25
        )
        assert {n: np.bincount(i.labels).tolist() for n, i in part.splits.items()} == {
            "train": [3, 3, 3],
            "val": [1, 1, 1],
            "test": [1, 1, 1],
        }
        for name, images in part.splits.items():
            used = {images.sample_id(i) for i in range(len(images))}
            assert used < {whole.splits[name].sample_id(i) for i in range(len(whole.splits[name]))}

    def test_an_image_outside_the_share_may_be_broken(self, photos):
        root = photos(count=20)
        asked = {"split": SplitConfig(test=0.2, validation=0.2), "fraction": 0.1}
        train = open_dataset(find_store(str(root)), **asked).splits["train"]
        used = {root / train.sample_id(i) for i in range(len(train))}
        rest = next(path for path in sorted(root.rglob("*.png")) if path not in used)
        for path, raises in ((rest, False), (used.pop(), True)):
            content = path.read_bytes()
            path.write_bytes(b"no image")
            if raises:
                with pytest.raises(ImageError):
                    open_dataset(find_store(str(root)), **asked)
            else:
                open_dataset(find_store(str(root)), **asked)
            path.write_bytes(content)


@pytest.mark.parametrize("fraction", [1.0, 0.5])
@pytest.mark.parametrize("bad_images", ["error", "skip"])
@pytest.mark.parametrize("name", ["train", "val", "test"])
def test_a_split_opened_alone_is_that_of_the_whole_data_set(photos, name, bad_images, fraction):
    """Exported models and resumed runs compare fingerprints."""
    store = find_store(str(photos(count=20)))
    options = {"bad_images": bad_images, "threads": 1, "fraction": fraction}
    whole = open_dataset(store, SplitConfig(), **options).splits[name]
    alone = open_split(store, SplitConfig(), name, **options).images
    assert alone.fingerprint() == whole.fingerprint()
    assert [alone.sample_id(i) for i in range(len(alone))] == [
        whole.sample_id(i) for i in range(len(whole))
    ]


@pytest.mark.parametrize("small_classes", ["error", "skip"])
def test_a_test_part_of_its_own_opens_beside_an_unreadable_training_image(photos, small_classes):
    root = photos(count=12, name="data/train").parent
    photos(count=4, name="data/test")
    (root / "train" / "red" / "000.png").write_bytes(b"no image")
    store, split = find_store(str(root)), SplitConfig(small_classes=small_classes)
    images = len(open_dataset(store, split, bad_images="skip").splits["train"])
    groups = np.arange(images + len(open_dataset(store, split, bad_images="skip").splits["val"]))
    groups[0] = groups[1]
    options = {"bad_images": "skip", "threads": 1, "groups": groups}
    found = open_split(store, split, "test", **options)
    assert (len(found.images), found.skipped) == (12, [])
    assert len(open_split(store, split, "val", **options).images) > 0


@pytest.mark.parametrize("name", ["Downloads/photos (1)", "photos (copy)", "photos (1)/"])
def test_a_folder_with_parentheses_that_is_not_there_is_no_spec(name):
    with pytest.raises(DlcvError, match="no such file or folder: "):
        find_store(name)
