"""The store `zip`, against the folder that was packed, and archives that are damaged or hostile."""

import io
import struct
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import write_photos
from forked import dlcv
from PIL import Image

from dlcv.config import SplitConfig
from dlcv.data.sources import find_store, open_dataset
from dlcv.errors import DlcvError, ImageError
from dlcv.interfaces import UNSPLIT
from dlcv_plugins.stores.folder import Folder
from dlcv_plugins.stores.zip import Zip


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return write_photos(tmp_path_factory.mktemp("zips") / "photos", ("ant", "bee", "cat"), 4)


def pack(archive, root, prefix="", method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(archive, "w", method) as opened:
        for path in sorted(root.rglob("*")):
            opened.write(path, f"{prefix}{path.relative_to(root)}")
    return archive


def png(value=0, size=(2, 3)):
    out = io.BytesIO()
    Image.new("RGB", size, (value, 0, 0)).save(out, "PNG")
    return out.getvalue()


def archive_of(path, names, content=None):
    with zipfile.ZipFile(path, "w") as opened:
        for value, name in enumerate(names):
            opened.writestr(name, png(value) if content is None else content)
    return path


def names_in(images):
    start = len(images.sample_id(0)) - len(images.sample_id(0).rpartition(".zip/")[2])
    return [images.sample_id(index)[start:] for index in range(len(images))]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("prefix", ["", "photos/", "a/b/"])
def test_images_are_those_of_the_folder(photos, tmp_path, method, prefix):
    packed = Zip(path=pack(tmp_path / "photos.zip", photos, prefix, method)).open(UNSPLIT)
    unpacked = Folder(path=photos).open(UNSPLIT)
    assert packed.label_names == unpacked.label_names
    assert packed.labels.tolist() == unpacked.labels.tolist()
    assert packed.image_shape == unpacked.image_shape
    everything = range(len(unpacked))
    for ours, theirs in zip(packed.read(everything), unpacked.read(everything), strict=True):
        assert (ours == theirs).all()


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (["cat/1.png", "dog/1.png"], {"all": ["cat/1.png", "dog/1.png"]}),
        (["dog/1.png", "cat/2.png", "cat/1.png"], {"all": ["cat/1.png", "cat/2.png", "dog/1.png"]}),
        (
            ["set/seg_train/seg_train/a/1.png", "set/seg_test/seg_test/a/1.png"],
            {
                "train": ["set/seg_train/seg_train/a/1.png"],
                "test": ["set/seg_test/seg_test/a/1.png"],
            },
        ),
        (
            ["Training/a/1.png", "valid/a/1.png", "test1/1.png", "__MACOSX/Training/a/1.png"],
            {"train": ["Training/a/1.png"], "val": ["valid/a/1.png"]},
        ),
        (["a/deep/er/1.png", "a/.thumbs/1.png", "b/1.JPG", "b/x.txt", "1.png"],
         {"all": ["a/deep/er/1.png", "b/1.JPG"]}),
        (["train/1.png", "bus/1.png"], {"all": ["bus/1.png", "train/1.png"]}),
    ],
)  # fmt: skip
def test_splits_and_classes_are_those_that_folder_finds(tmp_path, names, splits):
    store = Zip(path=archive_of(tmp_path / "x.zip", names))
    assert {split: names_in(store.open(split)) for split in store.splits()} == splits
    with zipfile.ZipFile(store.path) as opened:
        opened.extractall(tmp_path / "x.zip.d")
    root = tmp_path / "x.zip.d"
    folder = Folder(path=root / "set" if (root / "set").is_dir() else root)
    assert folder.splits() == store.splits()
    for split in splits:
        assert folder.open(split).label_names == store.open(split).label_names
        ids = [folder.open(split).sample_id(i) for i in range(len(splits[split]))]
        assert [i.removeprefix(f"{root}/") for i in ids] == splits[split]


def test_names_of_windows_are_paths(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as opened:
        for name in ("a/1.png", "b/1.png"):
            entry = zipfile.ZipInfo(name)
            entry.filename, entry.create_system = name.replace("/", "\\"), 0
            opened.writestr(entry, png())
    assert Zip(path=path).open("all").label_names == ("a", "b")


def test_several_threads_read_the_same_pixels(photos, tmp_path):
    images = Zip(path=pack(tmp_path / "x.zip", photos)).open(UNSPLIT)
    expected = [image.tobytes() for image in images.read(range(12))]
    orders = [np.random.default_rng(seed).permutation(12) for seed in range(64)]
    with ThreadPoolExecutor(8) as executor:
        for order, found in zip(orders, executor.map(images.read, orders), strict=True):
            assert [image.tobytes() for image in found] == [expected[i] for i in order]


def test_fingerprint_changes_with_a_content(tmp_path):
    first = Zip(path=archive_of(tmp_path / "1.zip", ["a/1.png", "b/1.png"])).open("all")
    same = Zip(path=archive_of(tmp_path / "2.zip", ["a/1.png", "b/1.png"])).open("all")
    other = Zip(path=archive_of(tmp_path / "3.zip", ["a/1.png", "b/1.png"], png(9))).open("all")
    assert first.fingerprint() == same.fingerprint() != other.fingerprint()


def test_archive_that_changes_is_read_anew(tmp_path):
    store = Zip(path=archive_of(tmp_path / "x.zip", ["a/1.png", "b/1.png"]))
    assert len(store.open("all")) == 2
    archive_of(tmp_path / "x.zip", ["a/1.png", "b/1.png", "c/1.png"])
    assert store.open("all").label_names == ("a", "b", "c")


class TestDamage:
    def test_content_that_changed_names_the_image(self, tmp_path):
        path = archive_of(tmp_path / "x.zip", ["a/1.png", "b/1.png"])
        content = bytearray(path.read_bytes())
        content[content.index(b"IDAT") + 6] ^= 255
        path.write_bytes(content)
        images = find_store(str(path)).open("all")
        assert images.read([1]).shape == (1, 3, 2, 3)
        with pytest.raises(ImageError, match=r"x\.zip/a/1\.png: is not what was packed") as caught:
            images.read([1, 0])
        assert caught.value.index == 1

    def test_bad_images_can_be_skipped(self, tmp_path):
        names = [f"{name}/{number}.png" for name in "ab" for number in range(12)]
        path = archive_of(tmp_path / "x.zip", names)
        content = bytearray(path.read_bytes())
        content[content.index(b"IDAT") + 6] ^= 255
        path.write_bytes(content)
        dataset = open_dataset(find_store(str(path)), SplitConfig(), bad_images="skip")
        assert sum(map(len, dataset.splits.values())) == 23
        assert len(dataset.skipped) == 1

    def test_archive_that_is_cut_off(self, tmp_path):
        path = archive_of(tmp_path / "x.zip", ["a/1.png", "b/1.png"])
        path.write_bytes(path.read_bytes()[:-40])
        with pytest.raises(DlcvError, match=r"x\.zip is no zip archive, or cut off \("):
            Zip(path=path).splits()

    @pytest.mark.parametrize("name", ["../a/1.png", "/etc/a/1.png", "a/../../1.png"])
    def test_names_that_lead_out_are_refused(self, tmp_path, name):
        with pytest.raises(DlcvError, match="leads out of the archive"):
            Zip(path=archive_of(tmp_path / "x.zip", ["b/1.png", name])).splits()

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    def test_a_name_twice_is_refused(self, tmp_path):
        with pytest.raises(DlcvError, match=r"holds a/1\.png twice"):
            Zip(path=archive_of(tmp_path / "x.zip", ["a/1.png", "b/1.png", "a/1.png"])).splits()

    def test_other_compression_is_refused(self, photos, tmp_path):
        path = pack(tmp_path / "x.zip", photos, method=zipfile.ZIP_BZIP2)
        with pytest.raises(DlcvError, match="is compressed by bzip2, and only deflate is read"):
            Zip(path=path).splits()

    def test_encrypted_archive_is_refused(self, tmp_path):
        path = archive_of(tmp_path / "x.zip", ["a/1.png", "b/1.png"])
        content = bytearray(path.read_bytes())
        content[content.index(b"PK\1\2") + 8] |= 1
        path.write_bytes(content)
        with pytest.raises(DlcvError, match=r"a/1\.png is encrypted; unpack"):
            Zip(path=path).splits()

    def test_a_bomb_is_unpacked_to_its_stated_size_at_most(self, tmp_path, monkeypatch):
        path = tmp_path / "x.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
            opened.writestr("a/1.png", bytes(50_000_000))
            opened.writestr("b/1.png", png())
        monkeypatch.setenv("DLCV_MAX_IMAGE_PIXELS", "1000")
        with pytest.raises(ImageError, match="has 50,000,000 bytes unpacked; at most 1,008,000"):
            Zip(path=path).open("all").read([0])
        # A directory that lies: 200 bytes stated, 50 million there.
        content = bytearray(path.read_bytes())
        at = content.index(b"PK\1\2") + 24
        content[at : at + 4] = struct.pack("<I", 200)
        path.write_bytes(content)
        with pytest.raises(ImageError, match="is not what was packed"):
            Zip(path=path).open("all").read([0])

    def test_entries_that_share_bytes_are_refused(self, tmp_path):
        path = archive_of(tmp_path / "x.zip", ["a/1.png", "b/1.png"])
        content = bytearray(path.read_bytes())
        second = content.index(b"PK\1\2", content.index(b"PK\1\2") + 1) + 42
        content[second : second + 4] = bytes(4)  # Where the second entry's header is.
        path.write_bytes(content)
        with pytest.raises(DlcvError, match="overlap, as in zip bombs"):
            Zip(path=path).splits()

    @pytest.mark.parametrize(
        "stated",
        [
            {"compressed": 2**64 - 1},
            {"compressed": 2**62},
            {"compressed": 10_000},
            {"size": 2**64 - 1},
            {"start": 2**63},
            {"start": 2**40},
        ],
    )
    def test_places_beyond_the_archive_are_refused(self, tmp_path, stated):
        path = archive_of(tmp_path / "x.zip", ["a/1.png", "b/1.png"])
        with zipfile.ZipFile(path) as opened:
            second = opened.getinfo("b/1.png")
        second.compress_size = stated.get("compressed", second.compress_size)
        second.file_size = stated.get("size", second.file_size)
        second.header_offset = stated.get("start", second.header_offset)
        with zipfile.ZipFile(path, "a") as opened:
            opened.filelist[1] = second
            opened._didModify = True  # So that the directory is written anew.
        with pytest.raises(
            DlcvError, match=r"b/1\.png is not where the archive's directory states"
        ):
            Zip(path=path).splits()

    def test_a_content_is_packed_in_no_more_bytes_than_an_image_has(self, tmp_path, monkeypatch):
        path = tmp_path / "x.zip"
        packed = bytes.fromhex("000000ffff") * 300_000 + zlib.compress(png(), wbits=-15)
        with zipfile.ZipFile(path, "w") as opened:
            opened.writestr("a/1.png", packed)
            opened.writestr("b/1.png", png())
            first = opened.getinfo("a/1.png")
            first.compress_type, first.file_size = zipfile.ZIP_DEFLATED, len(png())
            first.CRC = zlib.crc32(png())
        monkeypatch.setenv("DLCV_MAX_IMAGE_PIXELS", "1000")
        with pytest.raises(ImageError, match=r"has 1,500,[0-9]+ bytes; at most 1,008,000 are read"):
            Zip(path=path).open("all").read([0])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["1.png", "2.png"], "x.zip holds no folder with images; each class needs a folder"),
        (["train/a/1.png", "extra/a/1.png"], "x.zip holds train, and beside it extra, which is no"),
        (["train/a/1.png", "Training/a/1.png"], "train, which both stand for train; move one away"),
    ],
)
def test_mistakes_are_one_line(tmp_path, names, message):
    archive_of(tmp_path / "x.zip", names)
    done = dlcv("run", "--data", "x.zip", folder=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_an_archive_is_packed_and_checked(photos, tmp_path):
    write_photos(tmp_path / "photos", ("ant", "bee", "cat"), 12)
    pack(tmp_path / "photos.zip", tmp_path / "photos", "photos/")
    done = dlcv("data", "build", "photos.zip", "--out", "p", "--size", "8", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "photos.zip: recognized as zip" in done.stderr
    # A name that is in the archive stands for a file: its format is known, and its extension.
    done = dlcv("data", "check", "photos.zip", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "wrong-extension" not in done.stdout
