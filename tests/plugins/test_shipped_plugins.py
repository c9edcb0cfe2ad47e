"""Every plugin that ships with dlcv passes the checks that plugin authors run on theirs."""

import os
import shutil
import subprocess
import sys

import fsspec
import numpy as np
import pyarrow
import pytest
import webdataset
from conftest import write_photos
from pyarrow import parquet

from dlcv import registry
from dlcv.registry import INTERFACES
from dlcv.testing import checks_for
from dlcv_plugins.stores import keras
from dlcv_plugins.testing import common
from dlcv_plugins.testing.exporter import check_network_stays_as_it_is

SPECS = {
    ("architecture", "cnn"): ["cnn", "cnn(filters=(64, 128), units=(512, 512))"],
    ("architecture", "deepergooglenet"): [
        "deepergooglenet",
        "deepergooglenet(stage4=False, normalise=after, activation=elu)",
    ],
    ("architecture", "fc_head"): ["fc_head(base=lenet)"],
    ("architecture", "gap_head"): ["gap_head(base=resnet)", "gap_head(base=minigooglenet)"],
    ("architecture", "kerashub"): [],  # test_architectures_kerashub.py has a preset for it.
    ("architecture", "lecture_cnn"): ["lecture_cnn", "lecture_cnn(variant=batch_normalised)"],
    ("architecture", "resnet"): ["resnet", "resnet(module=basic)", "resnet(module=bottleneck)"],
    ("architecture", "linear_head"): [
        "linear_head(base=lenet)",
        "linear_head(base=lenet, layer=dense1_relu)",
    ],
    ("architecture", "sigmoid_output"): ["sigmoid_output(base=lenet)"],
    ("executor", "ray"): [],  # executors/test_ray.py has a cluster for it.
    ("grouping", "column"): ["column(name=patient)"],
    ("grouping", "pattern"): ['pattern(regex="(group[0-9])")'],
    ("preprocessor", "affine"): ["affine", "affine(shear=20, fill_mode=constant)"],
    ("preprocessor", "around_mean"): ["around_mean(step=affine)", "around_mean(step=flip)"],
    ("preprocessor", "crop"): ["crop", "crop(size=(17, 29), mirror=False)"],
    ("preprocessor", "erase"): ["erase", "erase(probability=1, fill_mode=constant)"],
    ("preprocessor", "flip"): ["flip", "flip(vertical=True)"],
    ("preprocessor", "imagenet_input"): [
        "imagenet_input",
        "imagenet_input(mode=tf)",
        "imagenet_input(mode=torch)",
    ],
    ("preprocessor", "mean"): ["mean", "mean(per=pixel)"],
    ("preprocessor", "patch"): ["patch", "patch(size=(17, 29))"],
    ("schedule", "step"): ["step(at=2)", "step(at=(1, 3.5), factor=0.5)"],
    ("classifier", "logistic_regression"): ["logistic_regression(C=(0.1, 1))"],
    ("classifier", "random_forest"): ["random_forest(trees=20)"],
    ("store", "csv"): ['csv(path="list.csv")'],
    ("store", "file_names"): ['file_names(path="named")'],
    ("store", "folder"): ['folder(path="photos")'],
    ("store", "hdf5"): ['hdf5(path="packed")', 'hdf5(path="packed/val.hdf5")'],
    ("store", "keras"): ["keras(name=fashion_mnist)", "keras(name=cifar100, labels=coarse)"],
    ("store", "parquet"): ['parquet(path="photos.parquet")'],
    ("store", "remote"): ['remote(address="memory://packed")'],
    ("store", "tiny_imagenet"): ['tiny_imagenet(path="tiny")'],
    ("store", "webdataset"): ['webdataset(path="photos.tar")'],
    ("store", "zip"): ['zip(path="photos.zip")'],
}
"""How to make plugins that need an option, or deserve a second look."""
LARGE = {
    d.name
    for d in registry.descriptors("architecture")
    if hasattr(registry.get("architecture", d.name), "keras_name") and d.name != "mobilenetv3small"
}
"""Networks that take long at their own size; test_architectures_keras.py builds them smaller."""
LARGER = {
    "resnet34",
    "resnet56",
    "resnet_tiny_imagenet",
    *(f"efficientnet_lite{number}" for number in (1, 2, 3, 4)),
}
"""Networks made by the code of a smaller one, which differs from them in numbers only."""
SHIPPED = [d for kind in INTERFACES for d in registry.descriptors(kind) if d.distribution == "dlcv"]
CASES = [
    pytest.param(
        d.kind,
        spec,
        check,
        id=f"{spec}-{check.__name__.removeprefix('check_')}",
        marks=[pytest.mark.slow]
        if d.name in LARGE | LARGER and "common" not in check.__module__
        else [],
    )
    for d in SHIPPED
    # test_architectures_kerashub.py has presets for those of its family.
    for spec in SPECS.get((d.kind, d.name), [] if d.family else [d.name])
    for check in checks_for(registry.get(d.kind, d.name))
]


@pytest.mark.parametrize(("kind", "spec", "check"), CASES)
def test_shipped_plugin(kind, spec, check, request, monkeypatch, imported_together):
    plugin = registry.create(kind, spec)
    if kind == "store":
        monkeypatch.chdir(request.getfixturevalue("data_sets"))
        monkeypatch.setattr(keras, "load", load_small)
    elif kind == "exporter" and check is not check_network_stays_as_it_is:
        write_once(type(plugin), request.getfixturevalue("written"), monkeypatch)
    elif check is common.check_import_is_light and imported_together == []:
        monkeypatch.setattr(common, "_heavy_imports_of", lambda module: imported_together)
    check(plugin)


@pytest.fixture(scope="session")
def imported_together():
    """What a new process has loaded of heavy libraries after all modules of plugins.

    Where that is nothing, no module alone loads any; else each is asked, and the right one named.
    """
    modules = sorted({registry.get(d.kind, d.name).__module__ for d in SHIPPED})
    code = f"import sys, {', '.join(modules)}; print(*{{*{common.HEAVY}}} & sys.modules.keys())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.split() if done.returncode == 0 else None


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """Where what each exporter wrote is kept: the checks all write the same network."""
    return tmp_path_factory.mktemp("written")


def write_once(cls, kept, monkeypatch):
    """Lets an exporter copy what it wrote in a check before; conversion takes seconds."""
    write, before = cls.write, kept / cls.__name__

    def copy_or_write(exporter, network, path):
        if not before.exists():
            before.mkdir()
            write(exporter, network, before / path.name)
        shutil.copytree(before, path.parent, dirs_exist_ok=True)

    monkeypatch.setattr(cls, "write", copy_or_write)


@pytest.fixture(scope="session")
def data_sets(tmp_path_factory):
    """A folder with a data set for each store that reads files, not to be changed."""
    tmp_path = tmp_path_factory.mktemp("data_sets")
    lay_out(write_photos(tmp_path / "photos", ("blue", "green", "red"), 3), tmp_path)
    packed = registry.create("store", f'hdf5(path="{tmp_path}/packed")')
    rng = np.random.default_rng(0)
    for split, rows in (("train", 6), ("val", 4)):
        writing = packed.writer(split, rows=rows, image_shape=(8, 9, 3), label_names=["cat", "dog"])
        with writing as writer:
            images = rng.integers(0, 256, (rows, 8, 9, 3), np.uint8)
            writer.add(images, np.arange(rows) % 2)
    fsspec.filesystem("memory").put(f"{tmp_path}/packed/", "/packed/", recursive=True)
    return tmp_path


def lay_out(photos, folder):
    """Gives the same images in the layouts of other stores: named, listed, annotated."""
    rows = ["path;label;split"]
    for image in sorted(photos.rglob("*.png")):
        kind, number = image.parent.name, int(image.stem)
        split = "train" if number else "val"
        rows.append(f"photos/{kind}/{image.name};{kind};{split}")
        inside = "val/images" if split == "val" else f"train/{kind}/images"
        for copy in (f"named/{split}/{kind}.{number}.png", f"tiny/{inside}/{kind}_{number}.png"):
            (folder / copy).parent.mkdir(parents=True, exist_ok=True)
            (folder / copy).write_bytes(image.read_bytes())
    (folder / "list.csv").write_text("\n".join(rows))
    kinds = sorted(path.name for path in photos.iterdir())
    (folder / "tiny" / "wnids.txt").write_text("\n".join(kinds))
    annotations = "".join(f"{kind}_0.png\t{kind}\t0\t0\t9\t9\n" for kind in kinds)
    (folder / "tiny" / "val" / "val_annotations.txt").write_text(annotations)
    shutil.make_archive(str(photos), "zip", photos)
    files = sorted(photos.rglob("*.png"))
    with webdataset.TarWriter(str(folder / "photos.tar")) as tar:
        for number, f in enumerate(files):
            tar.write({"__key__": f"{number}", "png": f.read_bytes(), "txt": f.parent.name})
    columns = {"image": [f.read_bytes() for f in files], "label": [f.parent.name for f in files]}
    parquet.write_table(pyarrow.table(columns), folder / "photos.parquet", row_group_size=4)


def load_small(name, labels, row):
    """Stands for the process in which Keras loads a data set: some images of the right form."""
    rng = np.random.default_rng(row)
    shape = (12, 32, 32, 3) if name.startswith("cifar") else (12, 28, 28)
    return rng.integers(0, 256, shape, np.uint8), np.arange(12, dtype=np.uint8)[:, None] % 10
