"""HDF5 files of others: what can be read is read right, what is hostile or damaged is refused."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest

from dlcv import registry
from dlcv.errors import DlcvError
from dlcv_plugins import hdf5
from dlcv_plugins.stores import hdf5_format
from dlcv_plugins.stores.byte_files import LocalFile
from dlcv_plugins.stores.hdf5 import Hdf5
from dlcv_plugins.weights.keras_files import open_weights

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 4, 5, 3), np.uint8)
LABELS = np.arange(12) % 2
NAMES = ["cat", "dog"]


def write(path, **changes):
    """Writes a good file, but for the data sets given; None leaves one out."""
    content = {"images": IMAGES, "labels": LABELS, "label_names": NAMES} | changes
    with h5py.File(path, "w") as file:
        for name, value in content.items():
            if isinstance(value, dict):
                file.create_dataset(name, **value)
            elif value is not None:
                file[name] = value
    return path


def opened(path):
    return Hdf5(path=path).open("all")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "set.hdf5"


class TestWithoutNames:
    """Rosebrock 2017, Practitioner Bundle, chapter 9: files of images have no label_names."""

    @pytest.fixture
    def folder(self, tmp_path):
        write(tmp_path / "train.hdf5", labels=LABELS, label_names=None)
        write(tmp_path / "test.hdf5", labels=2 * LABELS, label_names=None)
        return tmp_path

    def test_numbers_are_names_the_same_in_all_splits(self, folder, caplog):
        caplog.set_level("INFO")
        for split, labels in (("train", LABELS), ("test", 2 * LABELS)):
            images = Hdf5(path=folder).open(split)
            assert images.label_names == ("0", "1", "2")
            assert images.labels.tolist() == labels.tolist()
        told = [m for m in caplog.messages if "label_names" in m]
        assert told == [
            f"{folder}/train.hdf5 has no label_names, so classes are named 0 to 2; add "
            "label_names=(...)"
        ]

    def test_names_may_be_given(self, folder):
        store = registry.create("store", f"hdf5(path='{folder}', label_names=(ant, bee, cat))")
        assert store.open("test").label_names == ("ant", "bee", "cat")
        with pytest.raises(DlcvError, match="labels go from 0 to 2, but there are 2 label names"):
            Hdf5(path=folder, label_names=("ant", "bee")).open("test")


class TestReadable:
    @pytest.mark.parametrize(
        "images",
        [
            {"data": IMAGES},
            {"data": IMAGES, "chunks": (5, 4, 5, 3)},
            {"data": IMAGES, "chunks": (1, 4, 5, 3), "compression": "gzip"},
            {"data": IMAGES, "chunks": (3, 2, 5, 1), "compression": "lzf", "shuffle": True},
            {"data": IMAGES, "fletcher32": True},
            {"data": IMAGES.astype(np.float64)},
            {"data": IMAGES.astype(np.float32), "compression": "gzip"},
            {"data": IMAGES.astype(np.int64)},
            {"data": IMAGES, "dtype": ">u2"},
        ],
        ids=["plain", "chunks", "gzip", "lzf", "fletcher32", "float64", "float32", "int64", "u2"],
    )
    def test_layouts_and_types(self, file, images):
        images = opened(write(file, images=images))
        order = np.array([11, 0, 3, 3, 7, 0])
        pixels = images.read(order)
        assert pixels.dtype == np.uint8
        np.testing.assert_array_equal(pixels, IMAGES[order])
        assert images.image_shape == (4, 5, 3)
        assert len(images.fingerprint()) == 64

    def test_the_practitioner_bundle_s_files(self, tmp_path):
        # As its writer makes them: float64 images, "int" labels, names in a call of their own.
        with h5py.File(tmp_path / "train.hdf5", "w") as db:
            images = db.create_dataset("images", IMAGES.shape, dtype="float")
            labels = db.create_dataset("labels", (12,), dtype="int")
            names = db.create_dataset("label_names", (2,), dtype=h5py.string_dtype())
            images[0:12], labels[0:12], names[:] = IMAGES, LABELS, NAMES
        split = Hdf5(path=tmp_path).open("train")
        np.testing.assert_array_equal(split.read([7, 2]), IMAGES[[7, 2]])
        assert split.labels.tolist() == LABELS.tolist()
        assert split.label_names == ("cat", "dog")

    @pytest.mark.parametrize("names", [np.array([b"cat", "dög".encode()]), ["cat", "dög"]])
    def test_names_of_fixed_and_of_any_length(self, file, names):
        expected = tuple(n.decode() if isinstance(n, bytes) else n for n in names)
        assert opened(write(file, label_names=names)).label_names == expected

    def test_compressed_rows_are_read_from_many_threads(self, file):
        split = opened(write(file, images={"data": IMAGES, "compression": "gzip"}))
        with ThreadPoolExecutor(4) as executor:
            rows = list(executor.map(lambda i: split.read([i % 12])[0], range(96)))
        np.testing.assert_array_equal(rows, np.tile(IMAGES, (8, 1, 1, 1)))


def float_images(value):
    images = np.zeros((12, 2, 2, 1))
    images[5, 1, 1] = value
    return images


@pytest.mark.parametrize("value", [-1, 256, 1e9, np.nan, np.inf])
def test_pixels_beyond_bytes_are_an_error_when_they_are_read(file, value):
    split = opened(write(file, images=float_images(value)))
    assert split.read([4]).max() == 0
    with pytest.raises(DlcvError, match=r"set\.hdf5: pixels go beyond 0 to 255 in row 5, which "):
        split.read([4, 5])
    with pytest.raises(DlcvError, match=r"in row 5, which has values from [-\w.+]+ to [\w.+]+; "):
        split.read([7, 5, 3])


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_pixels_between_0_and_1_are_an_error_that_tells_the_cure(file, dtype):
    split = opened(write(file, images=(IMAGES / 255).astype(dtype)))
    with pytest.raises(DlcvError, match=r"set\.hdf5: pixels must be whole .* multiply by 255"):
        split.read([4, 5])
    with pytest.raises(DlcvError, match="multiply by 255"):
        split.fingerprint()


def external(path):
    secret = path.with_name("secret")
    secret.write_bytes(IMAGES.tobytes())
    return {
        "shape": IMAGES.shape,
        "dtype": "u1",
        "external": [(str(secret), 0, h5py.h5f.UNLIMITED)],
    }


def virtual(path):
    write(path.with_name("other.hdf5"))
    layout = h5py.VirtualLayout(IMAGES.shape, "u1")
    layout[:] = h5py.VirtualSource(path.with_name("other.hdf5"), "images", IMAGES.shape)
    return layout


def external_link(path):
    write(path.with_name("other.hdf5"))
    return h5py.ExternalLink(str(path.with_name("other.hdf5")), "/images")


def make_virtual(path):
    write(path, images=None)
    layout = virtual(path)
    with h5py.File(path, "a") as file:
        file.create_virtual_dataset("images", layout)


def make_group(path):
    write(path, images=None)
    with h5py.File(path, "a") as file:
        file.create_group("images")


def make_references(path):
    write(path, label_names=None)
    with h5py.File(path, "a") as file:
        file.create_dataset("label_names", data=[file["images"].ref] * 2, dtype=h5py.ref_dtype)


def truncated(keep):
    def make(path):
        write(path)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * keep)])

    return make


HOSTILE = {
    "external storage": (lambda p: write(p, images=external(p)), '"images" leads to another file'),
    "virtual data": (make_virtual, '"images" leads to another file'),
    "external link": (lambda p: write(p, images=external_link(p)), '"images" is a link'),
    "soft link": (lambda p: write(p, x=IMAGES, images=h5py.SoftLink("/x")), '"images" is a link'),
    "link to itself": (
        lambda p: write(p, images=h5py.SoftLink("/images")),
        '"images" is a link',
    ),
    "dangling link": (
        lambda p: write(p, labels=h5py.SoftLink("/nothing")),
        '"labels" is a link',
    ),
    "group": (make_group, '"images" is no data set'),
    "huge claim": (
        lambda p: write(p, images={"shape": (10**9, 64, 64, 3), "dtype": "u1", "chunks": True}),
        '"images" claims far more than the file holds',
    ),
    "huge contiguous claim": (
        lambda p: write(p, images={"shape": (10**6, 99, 99, 3), "dtype": "u1"}),
        '"images" claims far more than the file holds',
    ),
    "huge label names": (
        lambda p: write(p, label_names={"shape": (10**9,), "dtype": h5py.string_dtype(),
                                        "chunks": True}),
        '"label_names" claims far more',
    ),
    "objects": (
        lambda p: write(p, images={"data": ["x"] * 12, "dtype": h5py.string_dtype()}),
        '"images" holds object in (12,), not numbers',
    ),
    "compound": (
        lambda p: write(p, images=np.zeros((12, 1, 1, 1), [("a", "u1"), ("b", "u1")])),
        '"images" holds',
    ),
    "references as names": (make_references, '"label_names" holds object in (2,), not a row'),
    "numbers as names": (lambda p: write(p, label_names=[0, 1]), '"label_names" holds int64'),
    "one text as names": (
        lambda p: write(p, label_names="cat"),
        '"label_names" holds object in ()',
    ),
    "names in a table": (
        lambda p: write(p, label_names=[["cat"], ["dog"]]),
        '"label_names" holds object in (2, 1)',
    ),
    "names that are no text": (
        lambda p: write(p, label_names=np.array([b"c\xe4t", b"dog"])),
        r"the class name b'c\xe4t' in label_names is not UTF-8; write the names as UTF-8",
    ),
    "no images": (lambda p: write(p, images=None), 'has no data set "images"; it needs images'),
    "no labels": (lambda p: write(p, labels=None), 'has no data set "labels"'),
    "no label names, and labels that are none": (
        lambda p: write(p, labels=LABELS + 10**6, label_names=None),
        "has no label_names, and labels up to 1000001; labels count from 0",
    ),
    "too few labels": (
        lambda p: write(p, labels=LABELS[:-1]),
        "images (12, 4, 5, 3) and labels (11,) do not agree",
    ),
    "labels in a table": (lambda p: write(p, labels=np.eye(12, dtype=int)), "do not agree"),
    "flat images": (lambda p: write(p, images=IMAGES[..., 0]), "images (12, 4, 5) and labels"),
    "a single number": (lambda p: write(p, images=5), "images () and labels"),
    "channels first": (
        lambda p: write(p, images=IMAGES.transpose(0, 3, 1, 2)),
        "images (12, 3, 4, 5) have 5 channels, not 1 or 3; the order is (images, height, width,",
    ),
    "transparency": (
        lambda p: write(p, images=np.zeros((12, 2, 2, 4), "u1")),
        "images (12, 2, 2, 4) have 4 channels",
    ),
    "a name twice": (
        lambda p: write(p, label_names=["cat", "dog", "cat"]),
        "2 classes have the name 'cat'",
    ),
    "names that move the cursor": (
        lambda p: write(p, label_names=["cat", "dog\x1b[2J"]),
        r"the class name 'dog\x1b[2J' holds control characters",
    ),
    "labels too large": (
        lambda p: write(p, labels=LABELS + 1),
        "labels go from 1 to 2, but there are 2 label names",
    ),
    "labels below zero": (lambda p: write(p, labels=LABELS - 1), "labels go from -1 to 0"),
    "huge labels": (
        lambda p: write(p, labels=np.full(12, 2**64 - 1, np.uint64)),
        "labels go from",
    ),
    "labels with fractions": (
        lambda p: write(p, labels=LABELS + 0.5),
        '"labels" holds float64 in (12,), not whole numbers',
    ),
    "no rows": (lambda p: write(p, images=IMAGES[:0], labels=LABELS[:0]), "holds no images"),
    "no pixels": (lambda p: write(p, images=IMAGES[:, :0]), "holds no images"),
    "text file": (lambda p: p.write_text("images, labels"), "is no HDF5 file"),
    "empty file": (lambda p: p.write_bytes(b""), "is no HDF5 file"),
    "signature only": (lambda p: p.write_bytes(b"\x89HDF\r\n\x1a\n"), "it is damaged"),
    "half a file": (truncated(0.5), "it is damaged"),
    "nearly a file": (truncated(0.999), "it is damaged"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_and_damaged_files_are_refused_with_one_clear_line(file, name):
    make, message = HOSTILE[name]
    make(file)
    with pytest.raises(DlcvError) as caught:
        opened(file)
    text = str(caught.value)
    assert str(file) in text
    assert message in text
    assert "\n" not in text


def test_a_file_that_another_program_writes_is_in_use(file):
    write(file)
    program = "import h5py, sys; f = h5py.File(sys.argv[1], 'a'); print(flush=True); input()"
    writer = subprocess.Popen(
        [sys.executable, "-c", program, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    writer.stdout.readline()
    with pytest.raises(DlcvError, match="is in use: another program has it open for writing"):
        opened(file)
    writer.communicate(b"\n")
    assert len(opened(file)) == 12


def test_rows_missing_at_the_end_are_noticed(file):
    # Rows first and their description before them, as dlcv writes: cut, it still opens.
    store = Hdf5(path=file.parent / "packed")
    with store.writer("train", rows=50, image_shape=(40, 40, 3), label_names=NAMES) as writer:
        writer.add(np.zeros((50, 40, 40, 3), np.uint8), np.zeros(50, int))
    path = store.path / "train.hdf5"
    content = path.read_bytes()
    for keep in (len(content) - 1, len(content) // 2, 70_000, 100):
        path.write_bytes(content[:keep])
        with pytest.raises(DlcvError, match=re.escape(str(path))):
            store.open("train")


def test_rows_that_reach_beyond_the_end_are_refused_whatever_the_header_says(file):
    write(file, images=None)
    with h5py.File(file, "a") as target:
        target["images"] = np.zeros((12, 50, 50, 3), np.uint8)
    size = file.stat().st_size - 1000
    content = bytearray(file.read_bytes()[:size])
    content[40:48] = size.to_bytes(8, "little")  # where the superblock says how long the file is
    file.write_bytes(content)
    with pytest.raises(DlcvError, match=r"is damaged|is cut off"):
        opened(file)


def test_damaged_compressed_rows_are_an_error_that_names_the_file(file):
    write(file, images={"data": IMAGES, "chunks": (1, 4, 5, 3), "compression": "gzip"})
    with h5py.File(file) as source:
        offset = source["images"].id.get_chunk_info(5).byte_offset
    content = bytearray(file.read_bytes())
    content[offset : offset + 20] = bytes(20)
    file.write_bytes(content)
    split = opened(file)
    np.testing.assert_array_equal(split.read([4]), IMAGES[[4]])
    with pytest.raises(DlcvError, match=rf"^{file}: rows can't be read"):
        split.read([4, 5])


@pytest.mark.parametrize(
    ("content", "recognised"),
    [(b"\x89HDF\r\n\x1a\nrest", True), (b"text", False), (b"", False), (None, False)],
)
def test_files_are_recognised_by_their_signature(tmp_path, content, recognised):
    for path in (tmp_path / "train.hdf5", tmp_path / "other.h5"):
        if content is not None:
            path.write_bytes(content)
        assert (Hdf5.recognise(path) is not None) == recognised
    assert (Hdf5.recognise(tmp_path) is not None) == recognised


class TestChannelOrder:
    def test_bgr_rows_are_read_as_rgb(self, file):
        write(file)
        bgr = Hdf5(path=file, channel_order="bgr").open("all")
        np.testing.assert_array_equal(bgr.read([3, 0]), IMAGES[[3, 0], ..., ::-1])
        assert bgr.read([0]).flags.c_contiguous
        assert bgr.fingerprint() != opened(file).fingerprint()

    def test_grey_images_have_no_order(self, file):
        write(file, images=IMAGES[..., :1])
        with pytest.raises(DlcvError, match="channel_order=bgr is for color images"):
            Hdf5(path=file, channel_order="bgr").open("all")

    def test_nothing_is_written_as_bgr(self, tmp_path):
        store = Hdf5(path=tmp_path / "packed", channel_order="bgr")
        with pytest.raises(DlcvError, match="written as RGB"):
            store.writer("train", rows=1, image_shape=(4, 5, 3), label_names=NAMES).__enter__()

    @pytest.mark.parametrize(("order", "is_told"), [((0, 1, 2), False), ((2, 1, 0), True)])
    def test_means_that_look_swapped_are_a_hint(self, file, caplog, order, is_told):
        caplog.set_level("INFO", "dlcv_plugins")
        photo = np.array([124, 117, 104], np.uint8)[list(order)]
        write(file, images=np.broadcast_to(photo, (12, 4, 5, 3)))
        images = opened(file)
        images.read([0, 1])
        images.read([2])
        assert caplog.text.count("add channel_order=bgr") == is_told
        caplog.clear()
        Hdf5(path=file, channel_order="bgr").open("all").read([0])
        assert not caplog.text


def damage_heap(path):
    """Gives the free entry of a file's heap of texts no size."""
    content = bytearray(path.read_bytes())
    entry = content.index(hdf5.HEAP) + 16
    while content[entry : entry + 2] != b"\0\0":
        entry += 16 + -(-int.from_bytes(content[entry + 8 : entry + 16], "little") // 8) * 8
    content[entry + 8 : entry + 16] = bytes(8)
    path.write_bytes(content)


@pytest.mark.timeout(20)
def test_such_a_heap_in_a_file_that_is_far_away_is_refused(file):
    far = LocalFile(write(file))  # Is read as files in object storage are.
    assert hdf5_format.read(far).label_names == ("cat", "dog")
    damage_heap(file)
    with pytest.raises(DlcvError, match=r"set\.hdf5 is damaged: it has a heap of texts without"):
        hdf5_format.read(far)


def test_a_heap_in_which_the_library_goes_round_forever_is_refused(tmp_path):
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = ["conv1", "dense1"]
    hdf5.refuse_endless_heaps(path)
    damage_heap(path)

    with pytest.raises(DlcvError, match="heap of texts without an end"):
        hdf5.refuse_endless_heaps(path)
    with pytest.raises(DlcvError, match="heap of texts without an end"), open_weights(path):
        pass
    path.write_bytes(b"")
    hdf5.refuse_endless_heaps(path)


@pytest.mark.timeout(20)
def test_a_pipe_in_place_of_the_description_is_waited_for_by_nobody(file):
    os.mkfifo(file.with_name("dataset.toml"))
    assert list(opened(write(file)).label_names) == NAMES
