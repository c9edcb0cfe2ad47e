"""Images of stores go to other processes, which open their files again."""

import pickle
from pathlib import Path

import fsspec
import h5py
import numpy as np
import pytest
from conftest import write_photos

from dlcv.api import SplitConfig, find_store
from dlcv_plugins.commands.data.pack.pack import pack


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set in several forms."""
    root = tmp_path_factory.mktemp("sent")
    photos = write_photos(root / "photos", ("blue", "green"), 8, (12, 12))
    for encode in ("raw", "jpeg"):
        split = SplitConfig(groups="none")
        pack(str(photos), root / encode, preprocessors="", split=split, encode=encode, threads=1)
    memory = fsspec.filesystem("memory")
    for path in (root / "raw").iterdir():
        memory.pipe(f"/sent/{path.name}", path.read_bytes())
    with h5py.File(root / "raw" / "train.hdf5") as file, h5py.File(root / "old.hdf5", "w") as old:
        old.create_dataset("images", data=file["images"], chunks=True, compression="gzip")
        for name in ("labels", "label_names"):
            old[name] = file[name][()]
    return root


@pytest.mark.parametrize("data", ["photos", "raw", "jpeg", "old.hdf5", "memory://sent"])
def test_images_that_were_sent_are_the_same(folder: Path, data: str) -> None:
    store = find_store(data if "://" in data else str(folder / data))
    images = store.open(store.splits()[0])
    images.read([0])
    sent = pickle.loads(pickle.dumps(images))
    assert np.array_equal(images.read([3, 0, 5]), sent.read([3, 0, 5]))
    assert sent.sample_id(2) == images.sample_id(2)
    assert sent.fingerprint() == images.fingerprint()
