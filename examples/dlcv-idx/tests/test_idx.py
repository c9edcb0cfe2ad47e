"""The store keeps dlcv's rules, and reads files as MNIST's are."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from dlcv_idx import Idx

from dlcv.errors import DlcvError
from dlcv.testing import conformance

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 5, 4), np.uint8)
LABELS = (np.arange(12) % 3).astype(np.uint8)


def idx(values: np.ndarray) -> bytes:
    """Returns the bytes of a file, written by hand: two zeros, the type, the shape, the values."""
    shape = struct.pack(f">{values.ndim}I", *values.shape)
    return bytes([0, 0, 8, values.ndim]) + shape + values.tobytes()


@pytest.fixture
def plugin(tmp_path: Path) -> Idx:
    """A folder with 12 training images, and 6 gzipped ones for the test."""
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(PIXELS))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(LABELS))
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(PIXELS[:6])))
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(LABELS[:6])))
    return Idx(path=tmp_path)


test_rules_are_kept = conformance(Idx)


def test_images_are_those_of_the_file(plugin: Idx) -> None:
    """In the order that is asked."""
    assert plugin.splits() == ("train", "test")
    images = plugin.open("train")
    np.testing.assert_array_equal(images.read([3, 0])[..., 0], PIXELS[[3, 0]])
    assert images.labels.tolist() == [0, 1, 2] * 4
    assert images.label_names == ("0", "1", "2")
    assert len(plugin.open("test")) == 6


def test_a_folder_is_recognized(plugin: Idx, tmp_path: Path) -> None:
    """By the name of one file."""
    assert Idx.recognise(plugin.path) == plugin
    assert Idx.recognise(tmp_path / "train-images-idx3-ubyte") is None


def test_a_file_that_is_cut_off_is_refused(plugin: Idx) -> None:
    """With what to do."""
    path = plugin.path / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DlcvError, match=r"is cut off; download it again"):
        plugin.open("train")


def test_too_few_names_are_refused(plugin: Idx) -> None:
    """Labels are positions of names."""
    with pytest.raises(DlcvError, match="classes has 2 names, and labels up to 2"):
        Idx(path=plugin.path, classes=("zero", "one")).open("train")
