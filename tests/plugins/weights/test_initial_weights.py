"""Weights to begin with: by layer and shape, from runs, checkpoints and files of Keras."""

import json
import logging
import shutil
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

import dlcv
from dlcv.data.pipeline import Pipeline
from dlcv.errors import DlcvError
from dlcv.interfaces import Architecture, load_weights, option, plugin
from dlcv.registry import registry
from dlcv.training import checkpoints
from dlcv.training.checkpoints import Position
from dlcv.training.network import Network, build_parts
from dlcv_plugins.weights.initial_weights import load_into, open_source


@plugin
class Net(Architecture):
    """A body with batch normalization, and a head with dropout."""

    filters: int = option(2, help="filters")
    deeper: bool = option(False, help="one convolution more")

    def features(self, x: keras.KerasTensor) -> keras.KerasTensor:
        x = keras.layers.Conv2D(self.filters, 3, name="conv1")(x)
        x = keras.layers.BatchNormalization(name="bn1")(x)
        return keras.layers.Conv2D(2, 3, name="conv2")(x) if self.deeper else x

    def classify(self, x: keras.KerasTensor, classes: int) -> keras.KerasTensor:
        return super().classify(keras.layers.Dropout(0.5, name="drop")(x), classes)


def build(classes: int = 3, size: int = 6, **options: Any) -> Network:
    steps = registry.create_list("preprocessor", "scale")
    return build_parts(Net(**options), Pipeline.of(steps), (size, size, 1), classes, "float32")


@pytest.fixture
def given() -> Network:
    """A network whose weights are all different from those of a new one."""
    network = build()
    rng = np.random.default_rng(0)
    network.model.set_weights([rng.random(w.shape) for w in network.model.get_weights()])
    return network


def load(network: Network, path: Path) -> None:
    with open_source(path) as source:
        load_into(network, source)


def save(network: Network, path: Path) -> Path:
    model = network.model
    if path.suffix == ".keras":
        model.save(path)
    elif path.suffix == ".h5":
        model.compile("adam", "categorical_crossentropy")
        model.save_weights(path)
    else:
        model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
        model.optimizer.build(model.trainable_variables)
        model.test_on_batch(np.zeros((1, 6, 6, 1), np.uint8), np.eye(3)[:1])
        variables = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
        row = {"stage": 1, "epoch": 1, "val_loss": 1.0}
        taken = checkpoints.take(variables, Position(0, 1, 0, 5), [row])
        saved = checkpoints.save(path / "checkpoints", taken)
        return path if path.name == "run" else saved
    return path


@pytest.mark.parametrize("name", ["w.weights.h5", "w.keras", "run", "checkpoint"])
def test_all_weights_come_from_elsewhere(
    given: Network, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "dlcv_plugins")
    (tmp_path / name).mkdir() if "." not in name else None
    network = build()

    with open_source(save(given, tmp_path / name)) as source:
        load_into(network, source)

    for ours, theirs in zip(network.model.get_weights(), given.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert caplog.messages[-1] == f"3 layers begin with the weights of {source.path}"
    assert len(source.record["sha256"]) == 64


@pytest.mark.parametrize("name", ["w.weights.h5", "run"])
def test_classifier_of_other_classes_stays_at_random(
    given: Network, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "dlcv_plugins")
    (tmp_path / name).mkdir() if name == "run" else None
    network = build(classes=7)
    at_random = network.model.get_layer("predictions").get_weights()

    load(network, save(given, tmp_path / name))

    kept = network.model.get_layer("predictions").get_weights()
    np.testing.assert_array_equal(kept[0], at_random[0])
    np.testing.assert_array_equal(
        network.model.get_layer("bn1").get_weights(), given.model.get_layer("bn1").get_weights()
    )
    assert caplog.messages[-1].endswith("; at random: predictions")


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            {"filters": 4},
            r"layer conv1 has weights of the shapes \(3, 3, 1, 4\) \(4,\) in the network, and "
            r"\(3, 3, 1, 2\) \(2,\) in",
        ),
        ({"deeper": True}, r"has no layer conv2, whose weights have the shapes \(3, 3, 2, 2\)"),
        ({"size": 8}, r"layer predictions has weights of the shapes \(72, 3\) .* \(32, 3\) .*size"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_loaded(
    given: Network, tmp_path: Path, other: dict[str, Any], message: str
) -> None:
    network = build(**other)
    before = network.model.get_weights()

    with pytest.raises(DlcvError, match=message):
        load(network, save(given, tmp_path / "w.weights.h5"))
    for weights, kept in zip(network.model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weights, kept)


def test_layers_that_are_not_used_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    network = build()

    with pytest.raises(DlcvError, match="layer predictions has"):
        load(network, save(build(deeper=True), tmp_path / "w.keras"))
    load(build(size=8), save(build(deeper=True, size=10), tmp_path / "v.keras"))

    assert "no layer for 1 of its layers: conv2" in caplog.messages[-1]


def foreign(path: Path, name: str) -> Path:
    with h5py.File(path, "w") as file:
        group = file.create_group("layers/conv2d/vars")
        group.attrs["name"] = "conv1"
        if name == "external":
            (path.parent / "secret").write_bytes(bytes(100))
            group.create_dataset("0", (25,), "f4", external=[(path.parent / "secret", 0, 100)])
        elif name == "soft link":
            file["elsewhere"] = np.zeros(3)
            group["0"] = h5py.SoftLink("/elsewhere")
        elif name == "external link":
            group["0"] = h5py.ExternalLink("other.h5", "/x")
        elif name == "virtual":
            layout = h5py.VirtualLayout((3,), "f4")
            layout[:] = h5py.VirtualSource("other.h5", "x", (3,))
            group.create_virtual_dataset("0", layout)
        elif name == "objects":
            group.create_dataset("0", data=["text"])
        elif name == "empty":
            del file["layers"]
    return path


@pytest.mark.parametrize(
    "name", ["external", "soft link", "external link", "virtual", "objects", "empty"]
)
def test_hostile_files_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DlcvError, match="can't be read as weights"):
        load(build(), foreign(tmp_path / "w.weights.h5", name))


def test_array_of_unlimited_size_is_not_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "w.weights.h5", "w") as file:
        group = file.create_group("layers/conv2d/vars")
        group.attrs["name"] = "conv1"
        group.create_dataset("0", (2**20, 2**20), "f4", chunks=(2**10, 2**10))

    with pytest.raises(DlcvError, match=r"and \(1048576, 1048576\) in"):
        load(build(), tmp_path / "w.weights.h5")


def test_archive_that_grows_too_much_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "w.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", bytes(10**7))

    with pytest.raises(DlcvError, match="packed tighter than weights can be"):
        load(build(), tmp_path / "w.keras")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("w.weights.h5", "can't be read as weights"),
        ("w.keras", "can't be read as weights"),
        ("w.pkl", "files of weights end in .*.weights.h5, .h5, .hdf5 or .keras"),
        ("w.checkpoint", "is damaged"),
        ("folder", "holds no checkpoint; is it a run"),
        ("nowhere", "no such file or run with weights"),
    ],
)
def test_what_is_no_file_of_weights_is_named(tmp_path: Path, name: str, message: str) -> None:
    if name == "folder":
        (tmp_path / name).mkdir()
    elif name != "nowhere":
        (tmp_path / name).write_bytes(b"something else")

    with pytest.raises(DlcvError, match=message):
        load(build(), tmp_path / name)


def test_run_begins_with_the_weights_of_another_and_records_it(tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "data": "digits", "architecture": "mlp(units=4)", "epochs": 1, "threads": 1,
        "fraction": 0.1, "runs": tmp_path, "optimizer": "sgd",
    }  # fmt: skip
    first = dlcv.run(name="first", **options)
    second = dlcv.run(name="second", initial_weights=first.path, learning_rate=1e-30, **options)

    for ours, theirs in zip(second.model.get_weights(), first.model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    record = json.loads((second.path / "environment.json").read_text())["initial_weights"]
    newest = checkpoints.load_newest(first.directory.checkpoints)
    assert newest is not None
    assert record == {"path": str(newest[1]), "sha256": record["sha256"]}
    assert second.config.initial_weights == first.path
    # A run that was killed before its first checkpoint begins again, with the same weights.
    shutil.copytree(second.path, tmp_path / "killed")
    shutil.rmtree(tmp_path / "killed" / "checkpoints")
    (tmp_path / "killed" / "metrics.json").unlink()
    again = dlcv.resume(tmp_path / "killed")
    np.testing.assert_array_equal(again.model.get_weights()[0], second.model.get_weights()[0])
    # It is needed once.
    first.path.rename(tmp_path / "elsewhere")
    longer = dlcv.resume(second.path, epochs=1)
    np.testing.assert_allclose(
        longer.model.get_weights()[0], second.model.get_weights()[0], atol=1e-6
    )


def test_inflated_sizes_take_no_memory(given: Network, tmp_path: Path) -> None:
    """An archive may state a size, and hold much more than that; neither is believed."""
    path = tmp_path / "w.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", bytes(2 * 10**8))
    content = path.read_bytes()
    false = content.replace((2 * 10**8).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    assert false != content
    path.write_bytes(false)
    tracemalloc.start()
    with pytest.raises(DlcvError, match="can't be read as weights"):
        load(given, path)
    assert tracemalloc.get_traced_memory()[1] < 10**7
    tracemalloc.stop()


def test_damaged_bytes_end_in_one_line(given: Network, tmp_path: Path) -> None:
    """Byte 53 of the weights made h5py raise an OverflowError."""
    path = save(given, tmp_path / "w.keras")
    with zipfile.ZipFile(path) as archive:
        weights = bytearray(archive.read("model.weights.h5"))
    for byte in (0x7F, 0x3F, 0x00):
        weights[53] = byte
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("model.weights.h5", bytes(weights))
        with pytest.raises(DlcvError) as caught:
            load(build(), path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["external", "soft link", "external link", "virtual"])
def test_hostile_files_are_refused_as_weights_of_an_architecture(tmp_path: Path, name: str) -> None:
    with pytest.raises(DlcvError, match="can't be read as weights"):
        load_weights(build().model, foreign(tmp_path / "w.weights.h5", name))


def test_layers_of_other_names_are_found_by_their_place(tmp_path: Path) -> None:
    """What Keras named itself in one process has other names in the next."""

    def made(prefix: str) -> keras.Model:
        x = inputs = keras.Input((6, 6, 1))
        for number in range(12):
            x = keras.layers.Conv2D(2, 1, name=f"{prefix}{number}")(x)
        return keras.Model(inputs, x)

    theirs, ours = made("a"), made("b")
    theirs.save_weights(tmp_path / "w.weights.h5")
    load_weights(ours, tmp_path / "w.weights.h5")
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
