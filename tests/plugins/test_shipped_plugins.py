"""Every plugin that ships with dlcv passes the checks that plugin authors run on theirs."""

import numpy as np
import pytest

from dlcv import registry
from dlcv.testing import checks_for

SPECS = {
    ("preprocessor", "affine"): ["affine", "affine(shear=20, fill_mode=constant)"],
    ("preprocessor", "crop"): ["crop", "crop(size=(17, 29), mirror=False)"],
    ("preprocessor", "erase"): ["erase", "erase(probability=1, fill_mode=constant)"],
    ("preprocessor", "flip"): ["flip", "flip(vertical=True)"],
    ("preprocessor", "mean"): ["mean", "mean(per=pixel)"],
    ("preprocessor", "patch"): ["patch", "patch(size=(17, 29))"],
    ("schedule", "step"): ["step(at=2)", "step(at=(1, 3.5), factor=0.5)"],
    ("store", "folder"): ['folder(path="photos")'],
    ("store", "hdf5"): ['hdf5(path="packed")', 'hdf5(path="packed/val.hdf5")'],
}
"""How to make plugins that need an option, or deserve a second look."""
SHIPPED = [d for d in registry.descriptors() if d.distribution == "dlcv"]
CASES = [
    pytest.param(d.kind, spec, check, id=f"{spec}-{check.__name__.removeprefix('check_')}")
    for d in SHIPPED
    for spec in SPECS.get((d.kind, d.name), [d.name])
    for check in checks_for(registry.get(d.kind, d.name))
]


@pytest.mark.parametrize(("kind", "spec", "check"), CASES)
def test_shipped_plugin(kind, spec, check, request, monkeypatch):
    if kind == "store":
        monkeypatch.chdir(request.getfixturevalue("data_sets"))
    check(registry.create(kind, spec))


@pytest.fixture
def data_sets(photos, tmp_path):
    """A folder with a data set for each store that reads files."""
    photos(count=3)
    packed = registry.create("store", f'hdf5(path="{tmp_path}/packed")')
    rng = np.random.default_rng(0)
    for split, rows in (("train", 6), ("val", 4)):
        writing = packed.writer(split, rows=rows, image_shape=(8, 9, 3), label_names=["cat", "dog"])
        with writing as writer:
            images = rng.integers(0, 256, (rows, 8, 9, 3), np.uint8)
            writer.add(images, np.arange(rows) % 2)
    return tmp_path
