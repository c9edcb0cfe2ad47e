"""The store `parquet`: files as the Hugging Face hub has them, written by pyarrow itself."""

import json
import tracemalloc

import numpy as np
import pytest
from test_stores_zip import png

from dlcv.data.loader import Loader
from dlcv.data.pipeline import Pipeline
from dlcv.data.sources import find_store
from dlcv.errors import DlcvError, ImageError
from dlcv.images import decode
from dlcv_plugins.preprocessors.simple import Simple
from dlcv_plugins.stores import parquet_groups
from dlcv_plugins.stores.parquet import Parquet
from dlcv_plugins.stores.shards import divide

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
NAMES = ("cat", "dog", "owl")


def write(path, labels, *, names=NAMES, first=0, group=4, column="label", kind=None):
    """Writes a file whose image `i` is `first + i` red, and returns the images' bytes."""
    contents = [png(first + i, (2 + i % 3, 3)) for i in range(len(labels))]
    features = {"image": {"_type": "Image"}}
    if names:
        features[column] = {"names": list(names), "_type": "ClassLabel"}
    schema = pa.schema(
        [("image", IMAGE), (column, kind or pa.int64())],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )
    rows = [{"bytes": c, "path": f"{i}.png"} for i, c in enumerate(contents)]
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table({"image": rows, column: labels}, schema=schema)
    pq.write_table(table, path, row_group_size=group)
    return contents


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A folder as the hub has it, and the bytes of its training images."""
    root = tmp_path_factory.mktemp("hub")
    data = root / "data"
    contents = write(data / "train-00000-of-00002.parquet", [0, 1, 2, 0, 1, 2, 1])
    contents += write(data / "train-00001-of-00002.parquet", [2, 2, 0, 1, 0], first=50, group=2)
    write(data / "test-00000-of-00001-0123456789abcdef.parquet", [1, 0], first=90)
    (root / "README.md").write_text("about")
    return root, contents


def test_rows_are_those_that_pyarrow_reads(hub):
    root, contents = hub
    store = find_store(str(root))
    assert store == Parquet(path=root)
    assert store.splits() == ("train", "test")
    images = store.open("train")
    assert images.label_names == NAMES
    paths = [root / "data" / f"train-0000{part}-of-00002.parquet" for part in (0, 1)]
    table = pa.concat_tables([pq.read_table(path) for path in paths])
    assert images.labels.tolist() == table["label"].to_pylist()
    expected = [decode(row["bytes"]) for row in table["image"].to_pylist()]
    order = np.random.default_rng(0).permutation(12)
    for index, image in zip(order, images.read(order), strict=True):
        assert (image == expected[index]).all()
    assert [images.content(index) for index in range(12)] == contents
    assert images.sample_id(8) == f"{paths[1]}[1]"


def test_order_is_the_seeds_and_goes_on_at_any_step(hub, monkeypatch):
    monkeypatch.setattr(parquet_groups, "KEPT_BYTES", 300)  # Groups come and go.
    images = Parquet(path=hub[0]).open("train")

    def batches(first, threads):
        loader = Loader(
            images, Pipeline.of([Simple(size=4)]), batch_size=5, threads=threads, seed=7
        )
        stream = loader.stream(first)
        taken = [next(stream) for _ in range(9 - first)]
        stream.close()
        return [([image.tobytes() for image in x], y.tolist()) for x, y in taken]

    whole = batches(0, 1)
    assert batches(0, 4) == whole
    assert batches(4, 3) == whole[4:]


def test_memory_is_bounded(tmp_path, monkeypatch):
    write(tmp_path / "x.parquet", [0, 1] * 50, group=10)
    monkeypatch.setattr(parquet_groups, "_kept", parquet_groups._KeptGroups())
    monkeypatch.setattr(parquet_groups, "KEPT_BYTES", 2500)
    images = Parquet(path=tmp_path / "x.parquet").open("all")
    for index in np.random.default_rng(0).integers(0, 100, 300):
        images.content(int(index))
        kept = parquet_groups._kept._groups.values()
        assert sum(group.nbytes for group in kept) == parquet_groups._kept._size <= 2500


def test_labels_may_be_texts_or_numbers(tmp_path):
    write(tmp_path / "t.parquet", ["owl", "cat", "owl"], names=(), kind=pa.string())
    texts = Parquet(path=tmp_path / "t.parquet").open("all")
    assert (texts.label_names, texts.labels.tolist()) == (("cat", "owl"), [1, 0, 1])
    write(tmp_path / "n.parquet", [10, 2, 10], names=(), kind=pa.int32())
    numbers = Parquet(path=tmp_path / "n.parquet").open("all")
    assert (numbers.label_names, numbers.labels.tolist()) == (("2", "10"), [1, 0, 1])


def test_a_split_whose_labels_are_secret_is_left_out(tmp_path, caplog):
    write(tmp_path / "train" / "0000.parquet", [0, 1, 2])
    write(tmp_path / "test" / "0000.parquet", [-1, -1])
    store = Parquet(path=tmp_path)
    assert store.splits() == ("train",)
    store.open("train")
    assert f"{tmp_path}: test is left out: it has no labels" in caplog.messages


@pytest.mark.parametrize("names", [NAMES, ()])
def test_a_file_without_labels_among_others_is_refused(tmp_path, names):
    write(tmp_path / "train-0.parquet", [0, 1, 2], names=names)
    write(tmp_path / "train-1.parquet", [], names=names)
    write(tmp_path / "train-2.parquet", [-1, -1], names=names)
    message = r"train-2\.parquet has no labels, others of the split do; move it away"
    with pytest.raises(DlcvError, match=message):
        Parquet(path=tmp_path).open("train")
    (tmp_path / "train-2.parquet").unlink()
    assert len(Parquet(path=tmp_path).open("train")) == 3


def test_one_of_several_columns_is_named(tmp_path):
    path = tmp_path / "x.parquet"
    features = {
        name: {"names": list(names), "_type": "ClassLabel"}
        for name, names in {"fine_label": "abc", "coarse_label": "xy"}.items()
    }
    table = pa.table({"img": [png()] * 2, "fine_label": [0, 2], "coarse_label": [1, 0]})
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    pq.write_table(table.replace_schema_metadata(metadata), path)
    with pytest.raises(DlcvError, match="several columns may hold the labels"):
        Parquet(path=path).splits()
    images = Parquet(path=path, label_column="coarse_label").open("all")
    assert (images.label_names, images.labels.tolist()) == (("x", "y"), [1, 0])


def test_fingerprint_changes_with_an_image(tmp_path):
    write(tmp_path / "1.parquet", [0, 1])
    write(tmp_path / "2.parquet", [0, 1], first=1)
    (tmp_path / "3.parquet").write_bytes((tmp_path / "1.parquet").read_bytes())
    first, other, copy = (
        Parquet(path=tmp_path / f"{n}.parquet").open("all").fingerprint() for n in (1, 2, 3)
    )
    assert first == copy != other


class TestMistakes:
    @pytest.mark.parametrize(
        ("names", "message"),
        [
            (["train-00000-of-00003.p", "train-00002-of-00003.p"],
             r"parts are missing \(1 of 3; the first is number 1\), as train-00002-of-00003.p tel"),
            (["train-0.p", "train-1.p", "train-3.p"], r"missing \(1 of 4; the first is number 2\)"),
            (["train-00000-of-00001.p", "train-00001-of-00001.p"], "is a part too many of 1"),
            (["a/train-0.p", "b/train-0.p"], "are the same part; they are of several data sets"),
            (["train-00000-of-00002.p", "train-00001-of-00003.p"], "are of several data sets"),
            (["train.p", "train-0.p"], "are of several data sets; name the folder or file of one"),
            (["train-0.p", "other.p"], "other.p name no split, and others do"),
            (["test-0.p"], "has files of test, and none of train"),
        ],
    )  # fmt: skip
    def test_files_that_do_not_belong_together(self, names, message):
        with pytest.raises(DlcvError, match=message):
            divide(names, "set", ".p")

    @pytest.mark.parametrize(
        ("names", "message"),
        [
            (["train-20240101000000.p", "train-20240301000000.p"],
             r"\(199999999 of 200000001; the first is number 20240101000001\), as train-20240301"),
            (["train-0-of-99999999999.p"], r"\(99999999998 of .* is number 1\)"),
            (["train-1-of-99999999999.p"], r"\(99999999998 of .* is number 0\)"),
        ],
    )  # fmt: skip
    def test_missing_parts_are_counted_without_listing_them(self, names, message):
        tracemalloc.start()
        try:
            with pytest.raises(DlcvError, match=message):
                divide(names, "set", ".p")
            assert tracemalloc.get_traced_memory()[1] < 1_000_000
        finally:
            tracemalloc.stop()

    def test_files_are_divided_by_their_names(self):
        names = ["imagenet-train-000001.p", "imagenet-train-000000.p", "imagenet-val-000000.p"]
        assert divide(names, "set", ".p") == {"train": [names[1], names[0]], "val": [names[2]]}
        assert divide(["b.p"], "set", ".p") == {"all": ["b.p"]}
        assert divide(["x/valid/0.p", "x/train/0.p"], "set", ".p") == {
            "train": ["x/train/0.p"], "val": ["x/valid/0.p"],
        }  # fmt: skip

    def test_a_file_that_is_cut_off(self, tmp_path):
        path = tmp_path / "x.parquet"
        write(path, [0, 1, 2])
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(DlcvError, match=r"x\.parquet can't be read as Parquet; it is damaged"):
            Parquet(path=path).splits()

    def test_a_group_that_is_damaged(self, tmp_path):
        path = tmp_path / "x.parquet"
        write(path, [0, 1, 2])
        content = bytearray(path.read_bytes())
        content[8:60] = bytes(52)
        path.write_bytes(content)
        with pytest.raises(DlcvError, match=r"x\.parquet can't be read as Parquet; it is damaged"):
            Parquet(path=path).open("all").content(0)

    def test_a_file_of_another_set(self, tmp_path):
        write(tmp_path / "train-0.parquet", [0, 1])
        write(tmp_path / "train-1.parquet", [0, 1], names=("a", "b"))
        with pytest.raises(DlcvError, match=r"train-1\.parquet has other columns or classes than"):
            Parquet(path=tmp_path).splits()
        (tmp_path / "train-1.parquet").unlink()
        write(tmp_path / "test-0.parquet", [0, 1], names=("a", "b"))
        with pytest.raises(DlcvError, match="have other classes; they are of two data sets"):
            Parquet(path=tmp_path).open("train")

    def test_labels_without_a_name_or_a_value(self, tmp_path):
        write(tmp_path / "x.parquet", [0, 3])
        with pytest.raises(DlcvError, match="labels go from 0 to 3, and there are 3 names"):
            Parquet(path=tmp_path / "x.parquet").splits()
        write(tmp_path / "y.parquet", [0, None])
        with pytest.raises(DlcvError, match="1 rows have no label"):
            Parquet(path=tmp_path / "y.parquet").splits()

    def test_a_name_that_is_not_utf8(self, tmp_path):
        write(tmp_path / "x.parquet", [0, 1], names=("a", "\ud800"))
        with pytest.raises(DlcvError, match=r'x\.parquet: the metadata "huggingface" is damaged'):
            Parquet(path=tmp_path / "x.parquet").splits()

    def test_an_image_that_is_only_named(self, tmp_path):
        table = pa.table(
            {"image": pa.array([{"bytes": None, "path": "a.png"}], IMAGE), "label": [0]}
        )
        pq.write_table(table, tmp_path / "x.parquet")
        with pytest.raises(ImageError, match=r"x\.parquet\[0\]: holds no image, only its path"):
            Parquet(path=tmp_path / "x.parquet").open("all").read([0])

    def test_no_images(self, tmp_path):
        pq.write_table(pa.table({"text": ["a"], "label": [0]}), tmp_path / "x.parquet")
        with pytest.raises(DlcvError, match="no column holds images"):
            Parquet(path=tmp_path / "x.parquet").splits()

    def test_a_group_larger_than_allowed(self, tmp_path, monkeypatch):
        write(tmp_path / "x.parquet", [0, 1])
        monkeypatch.setattr(parquet_groups, "LARGEST_GROUP_BYTES", 100)
        with pytest.raises(DlcvError, match="write it anew with row_group_size=100"):
            Parquet(path=tmp_path / "x.parquet").open("all").read([0])
