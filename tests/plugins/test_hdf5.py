"""Packed data sets: files that any HDF5 tool reads, written without the HDF5 library."""

import os
import re
import resource
import signal
import subprocess
import sys

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcv.errors import DlcvError
from dlcv_plugins.stores.hdf5 import Hdf5

NAMES = ("ant", "bee", "cät")


def random_rows(count, shape=(4, 5, 3), seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, *shape), np.uint8), rng.integers(0, 3, count)


def write(folder, images, labels, names=NAMES, split="train", step=7):
    store = Hdf5(path=folder)
    with store.writer(
        split, rows=len(images), image_shape=images.shape[1:], label_names=names
    ) as writer:
        for start in range(0, len(images), step):
            writer.add(images[start : start + step], labels[start : start + step])
    return store


CLOSING = """
import gc, os, sys
from pathlib import Path
from dlcv_plugins.stores.hdf5 import Hdf5

def open_files():
    paths = []
    for number in os.listdir("/proc/self/fd"):
        try:
            paths.append(os.readlink(f"/proc/self/fd/{number}"))
        except FileNotFoundError:
            pass  # That of the listing itself.
    return [os.path.basename(path) for path in paths if path.startswith(sys.argv[1])]

opened = Hdf5(path=Path(sys.argv[1])).open("train")
print(open_files())
del opened
gc.collect()
print(open_files())
"""


class TestWriting:
    def test_any_hdf5_tool_reads_what_was_written(self, tmp_path):
        images, labels = random_rows(20)
        write(tmp_path, images, labels)
        with h5py.File(tmp_path / "train.hdf5") as file:
            assert sorted(file) == ["images", "label_names", "labels"]
            assert file["images"].dtype == np.uint8
            assert file["images"].chunks is None
            np.testing.assert_array_equal(file["images"][:], images)
            np.testing.assert_array_equal(file["images"][3:9, 1], images[3:9, 1])
            np.testing.assert_array_equal(file["labels"][:], labels)
            assert tuple(file["label_names"].asstr()) == NAMES

    @settings(max_examples=40, deadline=None)
    @given(
        st.integers(1, 40),
        st.tuples(st.integers(1, 60), st.integers(1, 60), st.sampled_from([1, 3])),
        st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]),
                         min_size=1, max_size=40), min_size=3, max_size=200, unique=True),
    )  # fmt: skip
    def test_rows_of_any_number_and_shape_come_back(self, tmp_path_factory, rows, shape, names):
        folder = tmp_path_factory.mktemp("packed")
        images, labels = random_rows(rows, shape, seed=rows)
        write(folder, images, labels, names)
        with h5py.File(folder / "train.hdf5") as file:
            np.testing.assert_array_equal(file["images"][:], images)
            np.testing.assert_array_equal(file["labels"][:], labels)
            assert list(file["label_names"].asstr()) == names

    def test_many_rows_with_a_long_description_come_back(self, tmp_path):
        # More than 64 KB of labels, and of names.
        images, labels = random_rows(20_000, (1, 1, 1))
        names = [f"{'a long name ' * 10}{i}" for i in range(5_000)]
        opened = write(tmp_path, images, labels, names, step=64).open("train")
        with h5py.File(tmp_path / "train.hdf5") as file:
            np.testing.assert_array_equal(file["images"][:], images)
            np.testing.assert_array_equal(file["labels"][:], labels)
            assert list(file["label_names"].asstr()) == names
        np.testing.assert_array_equal(opened.read(np.arange(20_000)), images)

    def test_the_file_is_no_larger_than_it_need_be(self, tmp_path):
        images, labels = random_rows(100, (32, 32, 3))
        write(tmp_path, images, labels)
        assert images.nbytes < (tmp_path / "train.hdf5").stat().st_size < images.nbytes + 200_000

    def test_each_split_has_its_file(self, tmp_path):
        for seed, split in enumerate(["train", "val", "test"]):
            images, labels = random_rows(5, seed=seed)
            store = write(tmp_path, images, labels, split=split)
        assert store.splits() == ("train", "val", "test")
        for seed, split in enumerate(["train", "val", "test"]):
            np.testing.assert_array_equal(
                store.open(split).read(range(5)), random_rows(5, seed=seed)[0]
            )

    @pytest.mark.parametrize(
        ("images", "labels", "message"),
        [
            (np.zeros((4, 4, 5, 3), np.float32), np.zeros(4, int), "rows of float32"),
            (np.zeros((4, 5, 4, 3), np.uint8), np.zeros(4, int), "do not fit (6, 4, 5, 3)"),
            (np.zeros((4, 4, 5), np.uint8), np.zeros(4, int), "do not fit"),
            (np.zeros((7, 4, 5, 3), np.uint8), np.zeros(7, int), "do not fit"),
            (np.zeros((4, 4, 5, 3), np.uint8), np.zeros(1, int), "labels of int64, (1,), do not"),
            (np.zeros((4, 4, 5, 3), np.uint8), np.zeros(4), "labels of float64"),
            (np.zeros((4, 4, 5, 3), np.uint8), np.zeros(4, int), "4 rows were written of 6"),
            (np.zeros((6, 4, 5, 3), np.uint8), np.full(6, 3), "labels from 3 to 3 do not fit 3"),
            (np.zeros((6, 4, 5, 3), np.uint8), np.full(6, -1), "labels from -1 to -1 do not fit"),
        ],
    )  # fmt: skip
    def test_rows_that_do_not_fit_are_refused_and_leave_nothing(
        self, tmp_path, images, labels, message
    ):
        store = Hdf5(path=tmp_path)
        with (
            pytest.raises(DlcvError, match=re.escape(message)),
            store.writer("train", rows=6, image_shape=(4, 5, 3), label_names=NAMES) as writer,
        ):
            writer.add(images, labels)
        assert list(tmp_path.iterdir()) == []

    def test_a_split_without_images_is_refused(self, tmp_path):
        store = Hdf5(path=tmp_path)
        with (
            pytest.raises(DlcvError, match="a split without images can't be written"),
            store.writer("val", rows=0, image_shape=(1, 1, 1), label_names=NAMES),
        ):
            pass
        assert list(tmp_path.iterdir()) == []

    def test_names_that_could_not_be_read_again_are_refused(self, tmp_path):
        for names in (["a", "b", "a"], ["a", "b", "c\n"]):
            with pytest.raises(DlcvError, match=r"train\.hdf5: .*name"):
                write(tmp_path, *random_rows(5), names)
        assert list(tmp_path.iterdir()) == []

    def test_an_existing_file_is_never_overwritten(self, tmp_path):
        images, labels = random_rows(5)
        write(tmp_path, images, labels)
        content = (tmp_path / "train.hdf5").read_bytes()
        with pytest.raises(DlcvError, match=r"train\.hdf5 exists already"):
            write(tmp_path, images[:2], labels[:2])
        assert (tmp_path / "train.hdf5").read_bytes() == content

    def test_an_error_while_writing_leaves_nothing(self, tmp_path):
        class Stopped(list):
            def __getitem__(self, index):
                raise KeyboardInterrupt

        images, labels = random_rows(6)
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path, images, Stopped(labels))
        assert list(tmp_path.iterdir()) == []


WRITER = """
import sys, time, numpy as np
from dlcv_plugins.stores.hdf5 import Hdf5
from dlcv.errors import DlcvError
rows, pause = int(sys.argv[2]), float(sys.argv[3])
store = Hdf5(path=sys.argv[1])
try:
    shape, names = (64, 64, 3), ["a", "b"]
    with store.writer("train", rows=rows, image_shape=shape, label_names=names) as writer:
        for _ in range(rows):
            writer.add(np.ones((1, 64, 64, 3), np.uint8), np.zeros(1, int))
            print("row", flush=True)
            time.sleep(pause)
except DlcvError as error:
    sys.exit(f"error: {error}")
"""


class TestDying:
    def test_a_full_disk_is_an_error_that_leaves_nothing(self, tmp_path):
        def limit():
            # Writing beyond it fails as on a full disk, once the signal is ignored.
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))

        command = [sys.executable, "-c", WRITER, str(tmp_path), "100", "0"]
        done = subprocess.run(command, preexec_fn=limit, capture_output=True, text=True)
        assert done.returncode == 1, done.stderr
        assert done.stderr.startswith(f"error: can't write {tmp_path}/train.hdf5: file too large")
        assert done.stdout == ""
        assert list(tmp_path.iterdir()) == []

    def test_a_killed_writer_leaves_nothing_under_the_final_name(self, tmp_path):
        command = [sys.executable, "-c", WRITER, str(tmp_path), "1000", "0.01"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for _ in range(5):
                assert process.stdout.readline() == "row\n"
            process.kill()
        assert process.returncode == -signal.SIGKILL
        assert [path.name[0] for path in tmp_path.iterdir()] == ["."]
        with pytest.raises(DlcvError, match=r"holds no train\.hdf5"):
            Hdf5(path=tmp_path).splits()
        store = write(tmp_path, *random_rows(5))
        assert len(store.open("train")) == 5


class TestReading:
    def test_rows_come_in_any_order_with_repeats(self, tmp_path):
        images, labels = random_rows(50)
        opened = write(tmp_path, images, labels).open("train")
        order = np.random.default_rng(1).integers(0, 50, 200)
        for indices in (order, order.tolist(), [49], range(10, 20)):
            pixels = opened.read(indices)
            assert pixels.dtype == np.uint8
            np.testing.assert_array_equal(pixels, images[np.asarray(indices)])
        assert opened.image_shape == (4, 5, 3)
        assert opened.label_names == NAMES
        assert opened.labels.dtype == np.int64
        np.testing.assert_array_equal(opened.labels, labels)
        assert opened.sample_id(3) == f"{tmp_path}/train.hdf5[3]"

    def test_what_is_read_can_be_changed_without_harm(self, tmp_path):
        images, labels = random_rows(5)
        opened = write(tmp_path, images, labels).open("train")
        opened.read([0, 1])[:] = 0
        np.testing.assert_array_equal(opened.read(range(5)), images)

    def test_rows_are_read_when_they_are_asked_for(self, tmp_path):
        images, labels = random_rows(50)
        opened = write(tmp_path, images, labels).open("train")
        with h5py.File(tmp_path / "train.hdf5") as file:
            offset = file["images"].id.get_offset()
        with open(tmp_path / "train.hdf5", "r+b") as file:
            os.pwrite(file.fileno(), bytes(60), offset + 30 * 60)
        assert opened.read([30]).max() == 0
        np.testing.assert_array_equal(opened.read([29, 31]), images[[29, 31]])

    def test_a_file_that_is_cut_off_while_in_use_is_an_error_not_the_end_of_the_process(
        self, tmp_path
    ):
        images, labels = random_rows(50, (64, 64, 3))
        opened = write(tmp_path, images, labels).open("train")
        os.truncate(tmp_path / "train.hdf5", 65_536 + 30 * images[0].nbytes + 100)
        np.testing.assert_array_equal(opened.read([29]), images[[29]])
        for index in (30, 49):
            with pytest.raises(DlcvError, match=r"train\.hdf5 was cut off while it was in use"):
                opened.read([3, index])

    @pytest.mark.parametrize("index", [-1, 50])
    def test_rows_that_are_not_there_are_no_bytes_of_the_description(self, tmp_path, index):
        opened = write(tmp_path, *random_rows(50)).open("train")
        with pytest.raises(IndexError):
            opened.read([0, index])

    def test_a_file_that_is_replaced_keeps_its_rows_for_those_who_opened_it(self, tmp_path):
        images, labels = random_rows(5)
        opened = write(tmp_path, images, labels).open("train")
        os.rename(tmp_path / "train.hdf5", tmp_path / "old")
        write(tmp_path, *random_rows(3, seed=1))
        np.testing.assert_array_equal(opened.read(range(5)), images)

    def test_memory_does_not_grow_with_the_rows_read(self, tmp_path):
        # 120 MB of rows; what is mapped or kept would show in the process's peak.
        program = (
            "import resource, sys\n"
            "import numpy as np\n"
            "from pathlib import Path\n"
            "from dlcv_plugins.stores.hdf5 import Hdf5\n"
            "rows = np.zeros((500, 80, 80, 3), np.uint8)\n"
            "store = Hdf5(path=Path(sys.argv[1]))\n"
            "with store.writer('train', rows=6000, image_shape=(80, 80, 3),\n"
            "                  label_names=['a']) as writer:\n"
            "    for _ in range(12): writer.add(rows, np.zeros(500, int))\n"
            "opened = store.open('train')\n"
            "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
            "for start in range(0, 6000, 50): opened.read(range(start, start + 50))\n"
            "opened.fingerprint()\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert int(done.stdout) < 5_000  # kilobytes

    def test_closing_is_not_forgotten(self, tmp_path):
        write(tmp_path, *random_rows(5))
        # In a process of its own, where nothing else keeps what was opened.
        done = subprocess.run(
            [sys.executable, "-c", CLOSING, tmp_path], capture_output=True, text=True, check=True
        )
        assert done.stdout == "['train.hdf5']\n[]\n"

    def test_fingerprints_tell_pixels_labels_and_names(self, tmp_path):
        images, labels = random_rows(20)
        changed = images.copy()
        changed[11, 2, 2, 2] += 1
        variants = [
            (images, labels, NAMES),
            (changed, labels, NAMES),
            (images, (labels + 1) % 3, NAMES),
            (images, labels, NAMES[::-1]),
        ]
        fingerprints = {
            write(tmp_path / str(i), *variant).open("train").fingerprint()
            for i, variant in enumerate(variants)
        }
        assert len(fingerprints) == 4

    def test_a_single_file_is_one_undivided_split(self, tmp_path):
        images, labels = random_rows(6)
        write(tmp_path, images, labels)
        store = Hdf5(path=tmp_path / "train.hdf5")
        assert store.splits() == ("all",)
        np.testing.assert_array_equal(store.open("all").read(range(6)), images)
        with pytest.raises(DlcvError, match='has no split "train"; it has all'):
            store.open("train")

    @pytest.mark.parametrize("record", ["3", '"x"', "[1]", "{}", "{sha256 = 3}", "{bytes = 1}"])
    def test_a_malformed_record_is_an_error_that_names_it(self, tmp_path, record):
        store = write(tmp_path, *random_rows(6))
        (tmp_path / "dataset.toml").write_text(f'files."train.hdf5" = {record}')
        with pytest.raises(DlcvError, match=r'dataset\.toml: the record of "train\.hdf5" has no'):
            store.open("train")

    @pytest.mark.parametrize("text", ["", "no TOML", "files = 3", "[files]\nother = 1"])
    def test_descriptions_of_other_tools_do_no_harm(self, tmp_path, text):
        store = write(tmp_path, *random_rows(6))
        (tmp_path / "dataset.toml").write_text(text)
        assert len(store.open("train")) == 6

    def test_a_split_that_is_not_there_is_an_error(self, tmp_path):
        write(tmp_path, *random_rows(6))
        with pytest.raises(DlcvError, match='has no split "test"; it has train'):
            Hdf5(path=tmp_path).open("test")
