"""Packed sets of many files a split, and of image files as they are."""

import functools
import gc
import itertools
import os
import pickle
import shutil
import signal
import tomllib
import weakref

import h5py
import numpy as np
import pytest
from conftest import write_image, write_photos

from dlcv.config import SplitConfig
from dlcv.data.sources import find_store, open_dataset
from dlcv.errors import DlcvError, ImageError
from dlcv_plugins.commands.data.pack import forms, parts
from dlcv_plugins.commands.data.pack.pack import pack
from dlcv_plugins.stores import byte_files
from dlcv_plugins.stores.hdf5 import Hdf5

NAMES = ("ant", "bee", "cat")
SIZE = "aspect_aware(size=16)"


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_photos(tmp_path_factory.mktemp("parts") / "photos", NAMES, 12)


def packed(source, out, preprocessors=SIZE, **options):
    split = SplitConfig(groups=("none",))
    return pack(
        str(source), out, preprocessors=preprocessors, split=split, **{"threads": 2, **options}
    )


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.hdf5")}


@pytest.fixture(scope="module")
def whole(source):
    packed(source, source.parent / "whole")
    return source.parent / "whole"


@pytest.fixture(scope="module")
def divided(source):
    packed(source, source.parent / "divided", shards=4)
    return source.parent / "divided"


@pytest.fixture(scope="module")
def kept(source):
    packed(source, source.parent / "kept", "", shards=3, encode="jpeg")
    return source.parent / "kept"


def test_parts_are_read_as_one_split(whole, divided):
    assert sorted(path.name for path in divided.iterdir()) == [
        "dataset.toml", "test-00000-of-00001.hdf5",
        *(f"train-0000{number}-of-00004.hdf5" for number in range(4)),
        "val-00000-of-00001.hdf5",
    ]  # fmt: skip
    one, many = find_store(str(whole)), find_store(str(divided))
    assert one.splits() == many.splits() == ("train", "val", "test")
    for split in one.splits():
        ours, theirs = many.open(split), one.open(split)
        order = np.random.default_rng(0).permutation(len(theirs))
        assert (ours.read(order) == theirs.read(order)).all()
        assert ours.labels.tolist() == theirs.labels.tolist()
        assert ours.fingerprint() == theirs.fingerprint()
        assert len({ours.sample_id(index) for index in range(len(ours))}) == len(ours)
    files = sorted(divided.glob("train-*"))
    with h5py.File(files[1]) as file:
        first = len(h5py.File(files[0])["images"])
        assert (file["images"][0] == one.open("train").read([first])[0]).all()
    read = [tomllib.loads((f / "dataset.toml").read_text()) for f in (whole, divided)]
    assert read[0]["training_mean"] == read[1]["training_mean"]


def test_checksums_are_those_of_the_files(divided, whole, kept):
    from dlcv import files

    for folder in (divided, whole, kept):
        recorded = tomllib.loads((folder / "dataset.toml").read_text())["files"]
        assert recorded.keys() == bytes_of(folder).keys()
        for name, record in recorded.items():
            assert record["sha256"] == files.sha256(folder / name)


@pytest.mark.parametrize(
    ("encode", "points"),
    [
        ("raw", [14, 29]),
        ("jpeg", [22]),
        pytest.param("raw", range(1, 90, 2), marks=pytest.mark.slow),
        pytest.param("jpeg", range(1, 90, 2), marks=pytest.mark.slow),
    ],
)
def test_packing_that_is_killed_goes_on_to_the_same_bytes(source, tmp_path, encode, points):
    steps = SIZE if encode == "raw" else ""
    packed(source, tmp_path / "expected", steps, shards=4, encode=encode)
    expected = bytes_of(tmp_path / "expected")
    out = tmp_path / "out"
    for point in points:
        shutil.rmtree(out, ignore_errors=True)
        is_killed = kill_at(point, source, out, steps, encode)
        assert is_killed or point > 40
        assert not out.exists() or bytes_of(out) == expected
        packed(source, out, steps, shards=4, encode=encode, force=out.exists())
        assert bytes_of(out) == expected
        assert not (tmp_path / ".out.part").exists()
        assert sorted(p.name for p in out.iterdir()) == sorted([*expected, "dataset.toml"])


def kill_at(point, source, out, steps, encode):
    """Packs in a process that ends at a change of the disk; returns whether it did."""
    child = os.fork()
    if not child:
        changes = itertools.count(1)

        def counted(original, *args, **kwargs):
            if next(changes) == point:
                os._exit(9)
            return original(*args, **kwargs)

        try:
            for name in ("pwrite", "replace", "fsync", "mkdir"):
                setattr(os, name, functools.partial(counted, getattr(os, name)))
            packed(source, out, steps, shards=4, encode=encode, threads=1)
        except BaseException:
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9)
    return code == 9


def test_parts_that_are_whole_are_not_written_again(source, tmp_path, monkeypatch, caplog):
    caplog.set_level("INFO")
    first: list[str] = []
    wrote: list[str] = []
    write = forms.Pixels.write

    def counted(form, path, *args):
        wrote.append(path.name)
        if len(wrote) == 3 and not first:
            os.kill(os.getpid(), signal.SIGINT)
        return write(form, path, *args)

    monkeypatch.setattr(forms.Pixels, "write", counted)
    with pytest.raises(KeyboardInterrupt):
        packed(source, tmp_path / "out", shards=4, threads=1)
    assert "the same command continues" in caplog.text
    assert not (tmp_path / "out").exists()
    first += wrote[:2]
    wrote.clear()
    needed: list[int] = []
    monkeypatch.setattr(parts.storage, "require_space", lambda folder, size: needed.append(size))
    packed(source, tmp_path / "out", shards=4, threads=1)
    assert "packing goes on: 2 of 6 parts are there" in caplog.text
    assert not set(first) & set(wrote)
    written = bytes_of(tmp_path / "out")
    assert {*first, *wrote} == written.keys()
    # Room is needed for what is left alone.
    rows = sum(len(h5py.File(tmp_path / "out" / name)["images"]) for name in wrote)
    assert needed == [rows * 16 * 16 * 3]


def test_sums_of_parts_do_not_pile_up(tmp_path):
    kept = weakref.WeakValueDictionary()

    class Form:
        def size(self, count):
            return 0

        def write(self, path, source, rows, threads, advance):
            total = kept[path.name] = np.full((2, 2, 3), len(rows), np.uint64)
            return forms.Written(total, len(rows), path.name)

    of = parts.parts_of({"train": 7, "test": 4}, 3)
    written = parts.write_parts(tmp_path, {"train": None, "test": None}, Form(), of, threads=1)
    assert len(written.checksums) == 5
    assert (written.pixels, written.total.shape, written.total.max()) == (7, (2, 2, 3), 7)
    assert not kept


def test_other_settings_or_images_do_not_go_on(source, tmp_path, monkeypatch):
    photos = shutil.copytree(source, tmp_path / "photos")
    monkeypatch.setattr(parts, "write_parts", None)
    out = tmp_path / "out"

    def begin(**options):
        with monkeypatch.context() as patched:
            patched.setattr("dlcv_plugins.commands.data.pack.pack.write_parts", stop)
            packed(photos, out, shards=4, **options)

    def stop(*_):
        raise ImageError("stopped")

    for _ in range(2):
        with pytest.raises(ImageError, match="stopped"):
            begin()
    with pytest.raises(DlcvError, match="was begun with other settings or images; repeat the same"):
        packed(photos, out, shards=3)
    image = photos / "ant" / "001.png"
    os.utime(image, ns=(0, 0))
    with pytest.raises(DlcvError, match="was begun with other settings or images"):
        begin()
    with pytest.raises(ImageError, match="stopped"):
        begin(force=True)


def test_many_parts_do_not_all_stay_open(divided, whole, monkeypatch):
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(byte_files, "MOST_OPEN", len(byte_files._open_files) + 2)
    ours, theirs = (Hdf5(path=path).open("train") for path in (divided, whole))
    order = np.random.default_rng(0).permutation(len(theirs))
    for images in (ours, pickle.loads(pickle.dumps(ours))):
        assert (images.read(order) == theirs.read(order)).all()
    assert len(os.listdir("/proc/self/fd")) == before + 2


def test_the_description_is_read_once_for_all_parts(divided, monkeypatch):
    parsed = []
    loads = tomllib.loads
    monkeypatch.setattr(tomllib, "loads", lambda text: parsed.append(text) or loads(text))
    Hdf5(path=divided).open("train")
    assert len(parsed) == 1


class TestDamage:
    @pytest.fixture
    def copy(self, divided, tmp_path):
        return shutil.copytree(divided, tmp_path / "copy")

    def test_a_part_that_is_missing(self, copy):
        (copy / "train-00002-of-00004.hdf5").unlink()
        with pytest.raises(DlcvError, match=r"parts are missing \(1 of 4; the first is number 2\)"):
            Hdf5(path=copy).splits()

    def test_all_parts_of_a_split_that_are_missing(self, copy):
        (copy / "test-00000-of-00001.hdf5").unlink()
        with pytest.raises(DlcvError, match=r"copy lacks test-00000-of-00001\.hdf5, recorded in"):
            Hdf5(path=copy).splits()
        # One file alone is read as ever.
        assert Hdf5(path=copy / "val-00000-of-00001.hdf5").splits() == ("all",)

    def test_a_part_that_is_cut_off(self, copy):
        path = copy / "train-00002-of-00004.hdf5"
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.raises(DlcvError, match=r"train-00002-of-00004\.hdf5 is damaged: it has"):
            Hdf5(path=copy).open("train")
        (copy / "dataset.toml").unlink()
        with pytest.raises(DlcvError, match=r"train-00002-of-00004\.hdf5 "):
            Hdf5(path=copy).open("train")

    def test_a_part_of_another_set(self, copy, source, tmp_path):
        other = write_photos(tmp_path / "others", ("x", "y", "z"), 12)
        packed(other, tmp_path / "other", shards=4)
        name = "train-00001-of-00004.hdf5"
        shutil.copy(tmp_path / "other" / name, copy / name)
        with pytest.raises(DlcvError, match="is damaged: its content is not what was recorded"):
            Hdf5(path=copy).open("train")
        (copy / "dataset.toml").unlink()
        with pytest.raises(DlcvError, match=f"{name} has other classes than .*of another data set"):
            Hdf5(path=copy).open("train")

    def test_parts_of_other_shapes(self, copy, source, tmp_path):
        packed(source, tmp_path / "other", "aspect_aware(size=8)", shards=4)
        (copy / "dataset.toml").unlink()
        name = "train-00001-of-00004.hdf5"
        shutil.copy(tmp_path / "other" / name, copy / name)
        with pytest.raises(DlcvError, match="must hold images of one shape"):
            Hdf5(path=copy).open("train")

    def test_one_file_beside_parts(self, copy, whole):
        shutil.copy(whole / "train.hdf5", copy)
        with pytest.raises(DlcvError, match=r"train\.hdf5 and train-00000-of-00004\.hdf5; they"):
            Hdf5(path=copy).splits()

    def test_more_parts_than_images(self, source, tmp_path):
        with pytest.raises(DlcvError, match="--shards 99 is more than the 25 training images"):
            packed(source, tmp_path / "out", shards=99)


class TestImageFiles:
    def test_contents_are_the_files(self, source, kept):
        expected = open_dataset(find_store(str(source)), SplitConfig(groups=("none",)))
        store = find_store(str(kept))
        for split, images in expected.splits.items():
            ours = store.open(split)
            assert ours.labels.tolist() == images.labels.tolist()
            assert ours.image_shape == (None, None, 3)
            for index in range(len(images)):
                path = images.sample_id(index)
                with open(path, "rb") as file:
                    assert ours.content(index) == file.read()
            order = np.random.default_rng(0).permutation(len(images))
            for image, theirs in zip(ours.read(order), images.read(order), strict=True):
                assert (image == theirs).all()

    def test_any_hdf5_tool_finds_them(self, source, kept):
        path = kept / "train-00001-of-00003.hdf5"
        images = Hdf5(path=path).open("all")
        with h5py.File(path) as file:
            ends = file["ends"][:]
            start = ends[3]
            assert file["contents"][start : ends[4]].tobytes() == images.content(4)
            assert list(file["label_names"].asstr()) == list(NAMES)

    def test_the_mean_is_that_of_all_pixels(self, source, kept):
        images = find_store(str(kept)).open("train").read(range(25))
        pixels = np.concatenate([image.reshape(-1, 3) for image in images])
        recorded = tomllib.loads((kept / "dataset.toml").read_text())["training_mean"]
        np.testing.assert_allclose(list(recorded.values()), pixels.mean(axis=0), rtol=1e-12)

    def test_what_can_not_be_kept_is_refused(self, source, whole, tmp_path):
        for spec in (whole, "digits"):
            with pytest.raises(DlcvError, match="holds pixels, not image files; leave --encode"):
                packed(spec, tmp_path / "out", "", encode="jpeg")
        with pytest.raises(DlcvError, match="--encode jpeg keeps the image files as they are"):
            packed(source, tmp_path / "out", encode="jpeg")

    def test_a_bad_image_is_named_and_can_be_skipped(self, source, tmp_path):
        photos = shutil.copytree(source, tmp_path / "photos")
        (photos / "bee" / "003.png").write_bytes(b"none")
        with pytest.raises(ImageError, match=r"bee/003\.png: is no image"):
            packed(photos, tmp_path / "out", "", encode="jpeg")
        assert not (tmp_path / "out").exists()
        packed(photos, tmp_path / "out", "", encode="jpeg", bad_images="skip")
        assert (
            sum(len(find_store(str(tmp_path / "out")).open(s)) for s in ("train", "val", "test"))
            == 35
        )

    def test_ends_that_are_damaged(self, kept, tmp_path):
        path = shutil.copy(kept / "train-00001-of-00003.hdf5", tmp_path / "x.hdf5")
        with h5py.File(path, "r+") as file:
            file["ends"][2] = 10**9
        with pytest.raises(DlcvError, match="the ends of its images are damaged"):
            Hdf5(path=path).open("all")

    def test_grey_images_stay_grey(self, tmp_path):
        for number in range(24):
            image = np.full((4, 4, 1), number, np.uint8)
            write_image(tmp_path / "grey" / "ab"[number % 2] / f"{number}.png", image)
        spec = f"folder(path='{tmp_path}/grey', color_mode=grayscale)"
        packed(spec, tmp_path / "out", "", encode="jpeg")
        assert find_store(str(tmp_path / "out")).open("train").image_shape == (None, None, 1)
