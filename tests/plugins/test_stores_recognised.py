"""Which store a path is taken for, and what is said where it is none, or several."""

import pytest
from forked import dlcv as forked

from dlcv import registry
from dlcv.data.sources import find_store
from dlcv.errors import DlcvError
from dlcv.interfaces import DatasetStore, option, plugin
from dlcv_plugins.stores.csv import Csv
from dlcv_plugins.stores.file_names import FileNames
from dlcv_plugins.stores.folder import Folder
from dlcv_plugins.stores.tiny_imagenet import TinyImagenet

NAMED = ("cat.1.png", "cat.2.png", "dog.1.png", "dog.2.png")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["cat/1.png", "dog/1.png"], Folder),
        # The label may be in both, and then the folders say it.
        (["cat/cat.1.png", "cat/cat.2.png", "dog/dog.1.png", "dog/dog.2.png"], Folder),
        (["Training/cat/1.png", "Training/dog/1.png", "Testing/1.png"], Folder),
        (NAMED, FileNames),
        ([*[f"train/{name}" for name in NAMED], "test1/1.png", "sample.csv"], FileNames),
        (["wnids.txt", "train/n01/images/1.JPEG", "val/images/1.JPEG"], TinyImagenet),
        (["wnids.txt", "train/n01/images/1.JPEG", "test/images/1.JPEG"], TinyImagenet),
    ],
)
def test_each_layout_is_recognised_as_what_it_is(tmp_path, names, expected, caplog):
    caplog.set_level("INFO")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert find_store(str(tmp_path)) == expected(path=tmp_path)
    name = registry.registry.descriptor_of(expected(path=tmp_path)).name
    assert f"{tmp_path}: recognized as {name}" in caplog.messages


def test_a_table_is_recognised_by_its_ending(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.csv").write_text("path,label\n")
    assert find_store("list.csv") == Csv(path=tmp_path / "list.csv")


def test_paths_of_options_are_absolute_and_those_left_out_stay_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_store("csv(path='a.csv', root='b')") == Csv(
        path=tmp_path / "a.csv", root=tmp_path / "b"
    )
    assert find_store("csv(path='a.csv')").root is None


def test_what_two_stores_recognise_is_refused(tmp_path):
    @plugin
    class Places(DatasetStore):
        """Reads the folders that Folder reads."""

        path: str = option(help="the folder")

        def splits(self):
            raise NotImplementedError

        def open(self, split):
            raise NotImplementedError

        @classmethod
        def recognise(cls, path):
            return cls(path=str(path)) if path.is_dir() else None

    for name in ("cat/1.png", "dog/1.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    with (
        registry.register("store", "places", Places),
        pytest.raises(DlcvError) as caught,
    ):
        find_store(str(tmp_path))
    assert str(caught.value) == (
        f"{tmp_path} is recognized by the stores folder and places; name one of them: "
        f'folder(path="{tmp_path}", color_mode=rgb) or places(path="{tmp_path}")'
    )


def test_what_nothing_recognises_is_told_what_would_be(tmp_path):
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(DlcvError) as caught:
        find_store(str(tmp_path))
    message = str(caught.value)
    assert message.startswith(
        f"{tmp_path}: no data set is recognized there, for nothing tells the "
    )
    for told in (
        "csv: a file that ends in .csv or .tsv; ",
        "file_names: a folder of images all named like cat.1.jpg, or one with these in train; ",
        "folder: a folder of class folders with images, or of train, val and test with these; ",
        "hdf5: an HDF5 file, and a folder with a `train.hdf5`, or parts of one; ",
        "tiny_imagenet: a folder with wnids.txt and a folder train; ",
        "another layout needs its store's name, see `dlcv plugins list`",
    ):
        assert told in message
    assert "\n" not in message


def dlcv(folder, *arguments):
    return forked(*arguments, folder=folder)


def test_a_table_is_packed(photos, tmp_path):
    photos(count=20)
    rows = [f"photos/{c}/{i:03d}.png;{c}" for c in ("blue", "green", "red") for i in range(20)]
    (tmp_path / "list.csv").write_bytes("\r\n".join(["\ufefffile;class", *rows]).encode())
    done = dlcv(tmp_path, "data", "build", "list.csv", "--out", "packed", "--size", "16")
    assert done.returncode == 0, done.stderr
    assert "list.csv: recognized as csv" in done.stderr
    assert [line.split()[:2] for line in done.stdout.splitlines()[1:4]] == [
        ["train", "42"], ["val", "6"], ["test", "12"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--data", "x.csv"], "x.csv: 1 of 1 images are not there; the first is "),
        (
            ["data", "build", "x.csv", "--out", "p", "--size", "8"],
            "the first is a.png on line 2; ",
        ),
        (
            ["data", "build", "bad.csv", "--out", "p", "--size", "8"],
            "bad.csv, line 2: the label is",
        ),
        (
            ["run", "--data", "file_names(path='.')"],
            '{root}: the pattern "{{label}}.{{number}}" ma',
        ),
        (["run", "--data", "."], ".: no data set is recognized there"),
        (["run", "--data", "tiny"], "tiny/train/n01 holds no images, and wnids.txt lists the clas"),
    ],
)
def test_mistakes_are_one_line(tmp_path, arguments, message):
    (tmp_path / "x.csv").write_text("path,label\na.png,cat\n")
    (tmp_path / "bad.csv").write_text("path,label\na.png,\n")
    (tmp_path / "photo.png").touch()
    (tmp_path / "tiny" / "train").mkdir(parents=True)
    (tmp_path / "tiny" / "wnids.txt").write_text("n01\n")
    done = dlcv(tmp_path, *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("dlcv: ")
    assert message.format(root=tmp_path) in last
    assert not (tmp_path / "p").exists()
    assert not (tmp_path / "runs").exists()


def test_a_limit_of_pixels_that_is_no_number_is_said_and_not_skipped(photos, tmp_path, monkeypatch):
    photos(count=12)
    build = ["data", "build", "photos", "--out", "p", "--size", "8", "--bad-images", "skip"]
    monkeypatch.setenv("DLCV_MAX_IMAGE_PIXELS", "1e9")
    done = dlcv(tmp_path, *build)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(
        "dlcv: the environment variable DLCV_MAX_IMAGE_PIXELS is a whole number of pixels from 1 to"
    )
    monkeypatch.setenv("DLCV_MAX_IMAGE_PIXELS", "100")
    done = dlcv(tmp_path, *build[:-2])
    assert done.returncode == 2
    assert "more than the limit of 100, which the environment variable DLCV_MAX" in done.stderr
