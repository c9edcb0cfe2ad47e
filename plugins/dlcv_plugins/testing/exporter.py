"""Checks of exporters: what they write predicts what the network predicts.

PYTEST_DONT_REWRITE: what fails is told in whole sentences.
"""

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from dlcv.testing import Check
from dlcv_plugins.kinds.exporter import Exporter, Session

CLOSE = 1e-4
"""The largest difference between a probability of the network and of what was written."""
SIZE, CHANNELS, CLASSES = 8, 3, 4
ELSEWHERE = """
import pickle, sys
from pathlib import Path
import numpy as np

exporter, model, pixels, found = map(Path, sys.argv[1:])
session = pickle.loads(exporter.read_bytes()).open(model, 1)
np.save(found, session.predict_on_batch(np.load(pixels)))
"""
"""What a process does that has nothing but the model's files."""


def checks(cls: type[Exporter]) -> tuple[Check, ...]:
    """Returns the checks for exporters."""
    return (
        check_names_are_declared,
        check_missing_packages_are_named,
        check_predicts_what_the_network_predicts,
        check_opens_in_another_process,
        check_batch_equals_one_by_one,
        check_network_stays_as_it_is,
        check_damaged_model_is_refused,
    )


def check_names_are_declared(exporter: Exporter) -> None:
    """A folder and an error name the model's file and what to install."""
    cls = type(exporter)
    file = getattr(cls, "file", "")
    assert file, f"{cls.__name__}.file is missing; it names the model's file"
    assert Path(file).name == file, f'{cls.__name__}.file is no plain file name: "{file}"'
    needed = [*cls.writer_modules, cls.runtime_module]
    for module in needed:
        assert "." not in module, f'"{module}" is no top-level module; name the package'
    for to_write in (True, False):
        missing = cls.missing(to_write=to_write)
        assert set(missing) <= set(needed), (
            f"missing() names {missing}, of which some are not needed"
        )


def check_missing_packages_are_named(exporter: Exporter) -> None:
    """Without a package that it needs, an exporter is refused before hours of work, not after."""
    needs = {"writer_modules": ("no_such_writer",), "runtime_module": "no_such_runtime"}
    lacking: Any = type("Lacking", (type(exporter),), needs)
    for to_write, expected in (
        (True, {"no_such_writer", "no_such_runtime"}),
        (False, {"no_such_runtime"}),
    ):
        found = set(lacking.missing(to_write=to_write))
        assert expected <= found, (
            f"missing(to_write={to_write}) leaves out {' and '.join(sorted(expected - found))}, "
            "which is not installed"
        )
    assert "no_such_writer" not in lacking.missing(to_write=False), (
        "missing(to_write=False) names a module that only writing needs"
    )


def check_predicts_what_the_network_predicts(exporter: Exporter) -> None:
    """A model that predicts something else is worse than none."""
    with _written(exporter) as (network, session):
        expected_shape = (None, SIZE, SIZE, CHANNELS)
        assert tuple(session.input_shape) == expected_shape, (
            f"input_shape is {tuple(session.input_shape)}; it should be {expected_shape}"
        )
        assert session.classes == CLASSES, f"classes is {session.classes}; it should be {CLASSES}"
        assert session.input_name, "input_name is empty"
        assert session.output_name, "output_name is empty"
        found = _predicted(session, _pixels(5))
        difference = np.abs(found - np.asarray(network.predict_on_batch(_pixels(5)))).max()
        assert difference <= CLOSE, f"probabilities differ from the network's by {difference:.2g}"


def check_opens_in_another_process(exporter: Exporter) -> None:
    """A model is used where its network never was; its files must hold everything."""
    try:
        pickled = pickle.dumps(exporter)
    except (pickle.PicklingError, AttributeError) as error:
        raise AssertionError(f"another process can't import the exporter: {error}") from error
    network = _network()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        model = _folder_of(exporter, network, root / "model") / exporter.file
        (root / "exporter").write_bytes(pickled)
        np.save(root / "pixels.npy", _pixels(5))
        paths = [root / "exporter", model, root / "pixels.npy", root / "found.npy"]
        ended = subprocess.run(
            [sys.executable, "-c", ELSEWHERE, *map(str, paths)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, f"another process can't open the model:\n{ended.stderr}"
        difference = np.abs(
            np.load(root / "found.npy") - network.predict_on_batch(_pixels(5))
        ).max()
    assert difference <= CLOSE, (
        f"in another process probabilities differ from the network's by {difference:.2g}"
    )


def check_batch_equals_one_by_one(exporter: Exporter) -> None:
    """Any number of images may come at once, in any order of numbers."""
    with _written(exporter) as (_, session):
        pixels = _pixels(7)
        together = _predicted(session, pixels)
        alone = np.concatenate([_predicted(session, pixels[i : i + 1]) for i in range(7)])
        difference = np.abs(together - alone).max()
        assert difference <= CLOSE, f"a batch differs from its images alone by {difference:.2g}"
        again = _predicted(session, pixels[:3])
        assert np.abs(again - together[:3]).max() <= CLOSE, "a smaller batch gives other numbers"


def check_network_stays_as_it_is(exporter: Exporter) -> None:
    """The network is compared with the model after it was written."""
    network = _network()
    before = [np.array(w) for w in network.get_weights()]
    with tempfile.TemporaryDirectory() as folder:
        exporter.write(network, Path(folder) / exporter.file)
    after = network.get_weights()
    same = len(before) == len(after) and all(map(np.array_equal, before, after))
    assert same, "writing changes the network's weights"


def check_damaged_model_is_refused(exporter: Exporter) -> None:
    """What is no model must raise; it must not predict, nor end the process."""
    with tempfile.TemporaryDirectory() as folder:
        written = _folder_of(exporter, _network(), Path(folder) / "damaged")
        for path in written.rglob("*"):
            if path.is_file():
                path.write_bytes(b"no model at all" * 99)
        try:
            session = exporter.open(written / exporter.file, 1)
            session.predict_on_batch(_pixels(1))
        except Exception:
            return
        raise AssertionError("a file that is no model is opened and predicts")


@contextmanager
def _written(exporter: Exporter) -> Iterator[tuple[Any, Session]]:
    """Gives a small network, and what it was written as, opened."""
    network = _network()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / exporter.file
        exporter.write(network, path)
        assert path.exists(), f"write leaves no {exporter.file}"
        yield network, exporter.open(path, 1)


def _folder_of(exporter: Exporter, network: Any, folder: Path) -> Path:
    """Makes a folder with the network as a model, and returns it."""
    folder.mkdir()
    exporter.write(network, folder / exporter.file)
    return folder


def _network() -> Any:
    """Returns a network with the layers that most networks have, and weights that are no zeros."""
    import keras

    keras.utils.set_random_seed(0)
    inputs = keras.Input((SIZE, SIZE, CHANNELS), dtype="uint8", name="pixels")
    x = keras.layers.Rescaling(1 / 255, dtype="float32")(inputs)
    x = keras.layers.Conv2D(6, 3, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Dropout(0.5)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(CLASSES, "softmax")(x))


def _pixels(count: int) -> np.ndarray:
    rng = np.random.default_rng(count)
    return rng.integers(0, 256, (count, SIZE, SIZE, CHANNELS), np.uint8)


def _predicted(session: Session, pixels: np.ndarray) -> np.ndarray:
    before = pixels.copy()
    found = np.asarray(session.predict_on_batch(pixels))
    assert np.array_equal(pixels, before), "predicting changes the pixels"
    assert found.shape == (len(pixels), CLASSES), f"{len(pixels)} images give {found.shape}"
    assert found.dtype == np.float32, f"probabilities are {found.dtype}; they should be float32"
    return found
