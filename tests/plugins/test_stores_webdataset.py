"""The store `webdataset`: archives that the library WebDataset wrote, and reads for comparison."""

import io
import json
import tarfile
import tracemalloc

import numpy as np
import pytest
import webdataset
from test_stores_zip import png

from dlcv.data.loader import Loader
from dlcv.data.pipeline import Pipeline
from dlcv.data.sources import find_store
from dlcv.errors import DlcvError, ImageError
from dlcv_plugins import user_cache
from dlcv_plugins.preprocessors.simple import Simple
from dlcv_plugins.stores import byte_files, tar_index
from dlcv_plugins.stores.webdataset import WebDataset


def write(path, labels, first=0, ending="cls"):
    """Lets WebDataset write an archive whose image `i` is `first + i` red."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with webdataset.TarWriter(str(path)) as writer:
        for i, label in enumerate(labels):
            value = {"label": label, "more": [1]} if ending == "json" else label
            content = png(first + i, (2 + i % 3, 3))
            writer.write({"__key__": f"{first + i:06d}", "png": content, ending: value})
    return path


def archive(path, files):
    with tarfile.open(path, "w") as opened:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            opened.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    root = tmp_path_factory.mktemp("tars")
    for number in range(3):
        write(root / f"set-train-{number:06d}.tar", [2, 10, 0, 2], first=10 * number)
    write(root / "set-val-000000.tar", [10, 0], first=90)
    return root


def test_samples_are_those_that_webdataset_reads(shards):
    store = find_store(str(shards))
    assert store == WebDataset(path=shards)
    assert store.splits() == ("train", "val")
    images = store.open("train")
    assert images.label_names == ("0", "2", "10")
    pattern = f"{shards}/set-train-{{000000..000002}}.tar"
    theirs = list(webdataset.WebDataset(pattern, shardshuffle=False).decode("rgb8"))
    assert [int(images.label_names[label]) for label in images.labels] == [s["cls"] for s in theirs]
    order = np.random.default_rng(0).permutation(12)
    for index, image in zip(order, images.read(order), strict=True):
        assert (image == theirs[index]["png"]).all()
        assert (
            images.sample_id(index) == f"{theirs[index]['__url__']}/{theirs[index]['__key__']}.png"
        )


def test_a_pattern_names_archives(shards):
    store = find_store(f"webdataset(path='{shards}/set-train-{{000001..000002}}.tar')")
    assert store.splits() == ("all",)
    assert store.open("all").sample_id(0) == f"{shards}/set-train-000001.tar/000010.png"
    with pytest.raises(DlcvError, match=r"set-train-000003\.tar can't be read: No such file"):
        find_store(f"webdataset(path='{shards}/set-train-{{000001..000003}}.tar')").splits()
    with pytest.raises(DlcvError, match=r"the range \{3\.\.1\} is empty"):
        find_store(f"webdataset(path='{shards}/{{3..1}}.tar')").splits()


def test_order_is_the_seeds_and_goes_on_at_any_step(shards, monkeypatch):
    monkeypatch.setattr(byte_files, "MOST_OPEN", 1)
    images = WebDataset(path=shards).open("train")

    def batches(first, threads):
        loader = Loader(
            images, Pipeline.of([Simple(size=4)]), batch_size=5, threads=threads, seed=7
        )
        stream = loader.stream(first)
        taken = [next(stream) for _ in range(9 - first)]
        stream.close()
        return [(x.tobytes(), y.tolist()) for x, y in taken]

    whole = batches(0, 1)
    assert batches(0, 4) == whole
    assert batches(4, 3) == whole[4:]


def test_labels_are_found_in_json_and_named(tmp_path):
    path = write(tmp_path / "x.tar", [1, 0, 1], ending="json")
    images = WebDataset(path=path, label_names=("cat", "dog")).open("all")
    assert (images.label_names, images.labels.tolist()) == (("cat", "dog"), [1, 0, 1])
    words = write(tmp_path / "w.tar", ["owl", "cat"], ending="json")
    images = WebDataset(path=words).open("all")
    assert (images.label_names, images.labels.tolist()) == (("cat", "owl"), [1, 0])
    chosen = archive(
        tmp_path / "c.tar",
        {"a/1.jpg": png(), "a/1.json": json.dumps({"a": {"b": "x"}}).encode(), "a/1.cls": b"5\n"},
    )
    assert WebDataset(path=chosen).open("all").label_names == ("5",)
    assert WebDataset(path=chosen, label="json.a.b").open("all").label_names == ("x",)


def test_long_names_and_padding_are_read(tmp_path):
    key = "folder/" + "long " * 60 + "ä"
    path = archive(tmp_path / "x.tar", {f"{key}.png": png(), f"{key}.cls": b"0", "._x.png": b""})
    images = WebDataset(path=path).open("all")
    assert images.sample_id(0) == f"{path}/{key}.png"
    assert images.content(0) == png()


def test_a_file_is_read_to_its_end_whatever_length_is_asked_for(tmp_path):
    (tmp_path / "x").write_bytes(b"0123456789")
    file = byte_files.LocalFile(tmp_path / "x")
    assert file.read_at(8, 2**60) == b"89"
    assert file.read_at(10, 5) == file.read_at(2**70, 5) == file.read_at(5, -1) == b""


def test_an_index_is_made_once(tmp_path, monkeypatch):
    monkeypatch.setenv("DLCV_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(user_cache, "WORTH_KEEPING_SECONDS", -1)
    path = write(tmp_path / "x.tar", [0, 1, 0])
    first = WebDataset(path=path).open("all")
    with monkeypatch.context() as patched:
        patched.setattr(tar_index, "_samples", None)
        again = WebDataset(path=path).open("all")
    assert again.fingerprint() == first.fingerprint()
    assert again.read([2]).tobytes() == first.read([2]).tobytes()
    write(path, [0, 1, 0, 2])
    assert len(WebDataset(path=path).open("all")) == 4


class TestMistakes:
    @pytest.mark.parametrize(
        ("files", "message"),
        [
            ({"1.cls": b"0"}, r"1 has no image \(cls\); each key needs one"),
            ({"1.png": png(), "1.jpg": png(), "1.cls": b"0"}, r"1 has several images \(png, jpg, "),
            ({"1.png": png(), "1.npy": b"0"}, r"1 has no label \(png, npy\); labels are in files"),
            ({"1.png": png(), "1.cls": b"0", "2.png": png()}, r"2 has no label, as \.cls is miss"),
            ({"1.png": png(), "1.cls": b" "}, r"1 has no label in \.cls"),
            ({"1.png": png(), "1.json": b"{", "1.cls": b"\xff"}, "the label of 1 is not UTF-8"),
            ({"1.png": png(), "1.json": b"{"}, r"1\.json is no JSON"),
            (
                {"1.png": png(), "1.json": b"3"},
                r"1 has no label \(png, json\); labels are in files",
            ),
            ({"1.png": png(), "1.json": b"null"}, r"1 has no label \(png, json\); labels are in"),
            ({"1.png": png(), "1.json": b'"a label"'}, r"1 has no label \(png, json\); labels are"),
            ({"1.png": png(), "1.json": b'{"label": "\\ud800"}'}, "the label of 1 is not UTF-8"),
            ({"1.png": png(), "1.cls": b"1" * 5000}, "of 1 has 5,000 digits; at most 640 are read"),
            ({}, "holds no files"),
        ],
    )
    def test_samples_that_lack_something(self, tmp_path, files, message):
        path = archive(tmp_path / "x.tar", files)
        with pytest.raises(DlcvError, match=message):
            WebDataset(path=path).open("all")

    def test_numbers_have_many_digits(self, tmp_path):
        long = b"0" * 9 + b"9" * 600
        files = {"1.png": png(), "1.cls": long, "2.png": png(), "2.cls": b"02"}
        images = WebDataset(path=archive(tmp_path / "x.tar", files)).open("all")
        assert images.label_names == ("2", "9" * 600)

    @pytest.mark.parametrize(
        ("kind", "size"),
        [
            (tarfile.XHDTYPE, 2**60),
            (tarfile.GNUTYPE_LONGNAME, 2**60),
            (tarfile.GNUTYPE_LONGNAME, 30_000_000),
            (tarfile.REGTYPE, 2**63),
            (tarfile.REGTYPE, 2**80),
            (tarfile.REGTYPE, -5),
            (b"?", -1024),  # Back to the second header, to be read forever.
        ],
    )
    def test_a_length_that_no_file_has(self, tmp_path, kind, size):
        path = archive(tmp_path / "x.tar", {"1.png": png(), "1.cls": b"0"})
        empty, member = tarfile.TarInfo(".empty"), tarfile.TarInfo(".member")
        member.type, member.size = kind, size
        headers = empty.tobuf() * 2 + member.tobuf(tarfile.GNU_FORMAT)
        path.write_bytes(headers + path.read_bytes() + bytes(40_000_000 if 0 < size < 2**30 else 0))
        tracemalloc.start()
        try:
            with pytest.raises(DlcvError, match=r"x\.tar is no tar archive, or damaged or cut off"):
                WebDataset(path=path).open("all")
            assert tracemalloc.get_traced_memory()[1] < 5_000_000
        finally:
            tracemalloc.stop()

    def test_headers_without_end(self, tmp_path):
        header = tarfile.TarInfo(".hidden")
        header.type, header.size = tarfile.XHDTYPE, 0
        (tmp_path / "x.tar").write_bytes(header.tobuf(tarfile.GNU_FORMAT) * 3000)
        with pytest.raises(DlcvError, match=r"x\.tar is no tar archive, or damaged or cut off"):
            WebDataset(path=tmp_path / "x.tar").open("all")

    def test_names_that_do_not_fit(self, shards):
        with pytest.raises(DlcvError, match="labels go up to 10, and there are 2 names"):
            WebDataset(path=shards, label_names=("a", "b")).open("train")

    @pytest.mark.parametrize("size", [100, 600, 1500, -11_000, -512])
    def test_an_archive_that_is_cut_off(self, tmp_path, size):
        path = write(tmp_path / "x.tar", [0] * 20)
        content = path.read_bytes()
        end = content.rstrip(b"\0")
        cut = len(end) // 512 * 512 if size == -512 else size
        path.write_bytes(content[:cut])
        with pytest.raises(
            DlcvError, match=r"x\.tar is (cut off|no tar archive, or damaged or cut)"
        ):
            WebDataset(path=path).open("all")

    def test_an_archive_that_is_compressed(self, tmp_path):
        (tmp_path / "x.tar").write_bytes(b"\x1f\x8b" + bytes(100))
        with pytest.raises(DlcvError, match="is compressed, so that no image can be read alone"):
            WebDataset(path=tmp_path / "x.tar").open("all")

    def test_an_image_that_is_damaged_is_named(self, tmp_path):
        path = archive(tmp_path / "x.tar", {"1.png": b"no image", "1.cls": b"0"})
        with pytest.raises(ImageError, match=r"x\.tar/1\.png: is no image of a known format"):
            WebDataset(path=path).open("all").read([0])
