"""The data sets that Keras knows: from a cache in Keras's own format, and without any."""

import gzip
import os
import pickle
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import pytest
from forked import SERVER

from dlcv.errors import DlcvError
from dlcv_plugins.stores import keras as store_module
from dlcv_plugins.stores.keras import Keras
from dlcv_plugins.stores.keras_labels import LABEL_NAMES
from dlcv_plugins.stores.keras_process import main

RNG = np.random.default_rng(0)
TRAIN = (RNG.integers(0, 256, (30, 28, 28), np.uint8), np.arange(30, dtype=np.uint8) % 10)
TEST = (RNG.integers(0, 256, (10, 28, 28), np.uint8), np.arange(10, dtype=np.uint8))


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of Keras, in a world without network."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    (tmp_path / "home" / "datasets").mkdir(parents=True)
    return tmp_path / "home" / "datasets"


def write_fashion(cache):
    """Fashion-MNIST's four files: a header of 8 or 16 bytes, then bytes, zipped."""
    folder = cache / "fashion-mnist"
    folder.mkdir()
    for name, array in (
        ("train-labels-idx1-ubyte.gz", TRAIN[1]),
        ("train-images-idx3-ubyte.gz", TRAIN[0]),
        ("t10k-labels-idx1-ubyte.gz", TEST[1]),
        ("t10k-images-idx3-ubyte.gz", TEST[0]),
    ):
        header = bytes(8 if array.ndim == 1 else 16)
        (folder / name).write_bytes(gzip.compress(header + array.tobytes()))


def test_a_set_is_read_from_the_cache(cache, capfd):
    write_fashion(cache)
    store = Keras(name="fashion_mnist")
    assert store.splits() == ("train", "test")
    images = store.open("train")
    assert images.image_shape == (28, 28, 1)
    assert images.labels.tolist() == TRAIN[1].tolist()
    assert images.labels.dtype == np.int64
    np.testing.assert_array_equal(images.read([3, 0])[..., 0], TRAIN[0][[3, 0]])
    assert images.label_names[0] == "T-shirt/top"
    assert images.sample_id(3) == "fashion_mnist train[3]"
    assert capfd.readouterr() == ("", "")


def test_keras_is_loaded_by_another_process(cache):
    write_fashion(cache)
    code = (
        "import sys; from dlcv_plugins.stores.keras import Keras;"
        "print(len(Keras(name='fashion_mnist').open('test')), {'keras', 'jax'} & set(sys.modules))"
    )
    # It is not to be found by the name of a file that a user has.
    (cache / "keras.py").write_text("raise SystemExit('the wrong keras')")
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, cwd=cache, check=False
    )
    assert done.stdout == "10 set()\n", done.stderr


@pytest.fixture
def forked(monkeypatch):
    """Lets Keras's loaders run in forks that have Keras imported, which takes seconds else."""

    def run(command, *, env, **_):
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder, "output")
            arguments = (env, output, *command[-3:])
            process = SERVER.Process(target=load_in_fork, args=arguments)
            process.start()
            process.join(120)
            return subprocess.CompletedProcess(command, process.exitcode, output.read_bytes())

    monkeypatch.setattr(subprocess, "run", run)


def load_in_fork(environment, output, name, labels, row):
    """Does what the process does; the checksum of CIFAR's archive is not looked at."""
    import keras.src.backend.config
    import keras.src.utils.file_utils

    os.environ.clear()
    os.environ.update(environment)
    os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT), 1)
    keras.src.backend.config._KERAS_DIR = environment["KERAS_HOME"]
    if name == "cifar100":
        keras.src.utils.file_utils.validate_file = lambda *_, **__: True
    main(name, labels, int(row))


@pytest.mark.slow
def test_a_damaged_cache_is_an_error(cache, forked):
    write_fashion(cache)
    (cache / "fashion-mnist" / "t10k-images-idx3-ubyte.gz").write_bytes(b"no gzip")
    with pytest.raises(DlcvError, match=r"or damaged there, .*Not a gzipped file"):
        Keras(name="fashion_mnist").open("test")


@pytest.mark.parametrize("labels", [np.full(10, 11, np.uint8), TEST[1][:9]])
def test_labels_that_are_none_of_the_images_are_an_error(labels, monkeypatch):
    monkeypatch.setattr(store_module, "load", lambda *_: (TEST[0], labels))
    with pytest.raises(DlcvError, match=r"fashion_mnist is damaged in Keras's cache .*remove its"):
        Keras(name="fashion_mnist").open("test")


def test_a_file_whose_checksum_is_another_is_not_read(cache, forked):
    np.savez(cache / "mnist.npz", x_train=TRAIN[0], y_train=TRAIN[1])
    with pytest.raises(DlcvError, match=r"mnist is not in Keras's cache, or damaged there"):
        Keras(name="mnist").open("train")


def test_without_cache_and_network_one_line_says_what_goes_where(cache):
    done = subprocess.run(
        [sys.executable, "-m", "dlcv", "data", "build", "keras(name=cifar10)", "--out", "x",
         "--size", "32"],
        capture_output=True, text=True, cwd=cache, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    url = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    first, last = done.stderr.splitlines()
    assert first == f"Downloading data from {url}"
    assert last.startswith(
        "dlcv: cifar10 is not in Keras's cache, or damaged there, and can't be downloaded "
        f"(URL fetch failure on {url}: "
    )
    assert last.endswith(
        f"Keras looks in {cache} (the environment variable KERAS_HOME moves it); put there {url} "
        "as cifar-10-batches-py-target_archive"
    )
    assert not (cache / "x").exists()


def test_cifar_100_has_coarse_labels_too(cache, tmp_path, forked):
    """A small archive in the true format, with Keras's check of its checksum switched off."""
    rows = RNG.integers(0, 256, (3, 3, 32, 32), np.uint8)
    batch = {
        b"data": rows.reshape(3, -1), b"fine_labels": [0, 99, 50], b"coarse_labels": [19, 0, 7],
    }  # fmt: skip
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    for name in ("train", "test"):
        (folder / name).write_bytes(pickle.dumps(batch, protocol=3))
    with tarfile.open(cache / "cifar-100-python-target_archive", "w:gz") as archive:
        archive.add(folder, folder.name)
    images = Keras(name="cifar100", labels="coarse").open("train")
    assert images.image_shape == (32, 32, 3)
    assert images.labels.tolist() == [19, 0, 7]
    np.testing.assert_array_equal(images.read([2])[0], rows[2].transpose(1, 2, 0))
    named = [images.label_names[k] for k in images.labels]
    assert named == ["vehicles_2", "aquatic_mammals", "insects"]


def test_channels_first_are_brought_to_last(monkeypatch):
    pixels = RNG.integers(0, 256, (2, 3, 32, 32), np.uint8)
    loaded = (pixels, np.array([[3], [9]], np.uint8))
    monkeypatch.setattr(store_module, "load", lambda *_: loaded)
    images = Keras(name="cifar10").open("test")
    np.testing.assert_array_equal(images.read([1])[0], pixels[1].transpose(1, 2, 0))
    assert [images.label_names[k] for k in images.labels] == ["cat", "truck"]


def test_class_names_are_as_many_as_classes():
    counts = {"mnist": 10, "fashion_mnist": 10, "cifar10": 10, "cifar100": 100}
    assert {name: len(set(LABEL_NAMES[name])) for name in counts} == counts
    # CIFAR-100 numbers its classes and its groups by the alphabet.
    for name, count in (("cifar100", 100), ("cifar100_coarse", 20)):
        assert list(LABEL_NAMES[name]) == sorted(LABEL_NAMES[name])
        assert len(LABEL_NAMES[name]) == count


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
def test_coarse_labels_are_those_of_cifar_100_alone(name):
    with pytest.raises(DlcvError, match=f"{name} has no coarse labels; only cifar100 has"):
        Keras(name=name, labels="coarse").open("train")


def test_other_splits_are_refused():
    with pytest.raises(DlcvError, match='mnist has no split "val"; it has train, test'):
        Keras(name="mnist").open("val")
