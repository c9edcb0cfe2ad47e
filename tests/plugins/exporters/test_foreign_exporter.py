"""Another package's exporter is used like the shipped ones, from the command line on."""

import json
from pathlib import Path

import numpy as np
import pytest
from fake_packages import install
from forked import dlcv

EXPORTER = '''
"""A softmax regression as NumPy arrays, which no library is needed to run."""

import numpy as np

from dlcv.interfaces import Exporter, Session, option, plugin


@plugin
class Arrays(Exporter):
    """NumPy arrays of a network that is one dense layer."""

    file = "arrays.npz"
    hint = "probabilities are softmax(pixels / divisor @ kernel + bias)"

    digits: int = option(8, help="decimal digits to keep", ge=4, le=16)

    def write(self, network, path):
        """Writes the dense layer's weights, and what the pixels are divided by."""
        (dense,) = [layer for layer in network.layers if layer.weights]
        kernel, bias = (np.asarray(w).round(self.digits) for w in dense.get_weights())
        np.savez(path, kernel=kernel, bias=bias, shape=network.input_shape[1:])

    def open(self, path, threads):
        """Opens the arrays."""
        return Opened(path)


class Opened(Session):
    input_name, output_name = "pixels", "probabilities"

    def __init__(self, path):
        with np.load(path, allow_pickle=False) as arrays:
            self.kernel, self.bias = arrays["kernel"], arrays["bias"]
            self.input_shape = (None, *map(int, arrays["shape"]))
        self.classes = len(self.bias)

    def predict_on_batch(self, pixels):
        flat = pixels.reshape(len(pixels), -1).astype(np.float32) / 255
        logits = flat @ self.kernel + self.bias
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
'''
NETWORK = '''
import keras
from dlcv.interfaces import Architecture, plugin


@plugin
class Softmax(Architecture):
    """One dense layer on the pixels."""

    default_size = 8

    def features(self, x):
        """The pixels themselves."""
        return keras.layers.Flatten(name="flat")(x)

    def classify(self, x, classes):
        """A softmax over them."""
        return keras.layers.Dense(classes, "softmax", name="softmax")(x)
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with the package, and a run."""
    root = tmp_path_factory.mktemp("foreign")
    points = {
        "exporters": {"arrays": "acme_arrays:Arrays"},
        "architectures": {"softmax": "acme_softmax:Softmax"},
    }
    install(root, "acme", points, {"acme_arrays": EXPORTER, "acme_softmax": NETWORK})
    call(
        root, "run", "--data", "digits(size=8)", "--arch", "softmax", "--preproc", "scale",
        "--epochs", 1, "--name", "s", "--quiet",
    )  # fmt: skip
    return root


def call(folder: Path, *arguments, code: int = 0, packages: bool = True):
    ended = dlcv(*map(str, arguments), folder=folder, packages=[folder] if packages else [])
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended


def figures(text: str) -> str:
    """Returns the line with the rank-1 accuracy."""
    (line,) = [line for line in text.splitlines() if line.lower().startswith("rank1")]
    return line


def test_it_exports_evaluates_and_predicts(folder, tmp_path):
    made = call(folder, "export", "runs/s", "--format", "arrays(digits=12)", "--out", "out")
    assert "have the same top class" in made.stdout
    described = json.loads((folder / "out" / "model.json").read_text())
    assert (described["format"], described["file"]) == ("arrays", "arrays.npz")
    exported, trained = (
        json.loads(call(folder, "evaluate", path, "--json").stdout) for path in ("out", "runs/s")
    )
    assert exported["metrics"] == trained["metrics"]
    image = folder / "digit.png"
    import cv2

    cv2.imwrite(str(image), np.arange(64, dtype=np.uint8).reshape(8, 8))
    assert (
        call(folder, "predict", "out", image).stdout
        == call(folder, "predict", "runs/s", image).stdout
    )


def test_it_is_listed_suggested_and_named_where_it_is_missing(folder):
    listed = json.loads(call(folder, "plugins", "list", "exporter", "--json").stdout)
    assert ("arrays", "acme") in [(each["name"], each["distribution"]) for each in listed]
    mistyped = call(folder, "export", "runs/s", "--format", "array", code=2)
    assert 'unknown exporter "array"' in mistyped.stderr
    assert 'did you mean "arrays"?' in mistyped.stderr
    call(folder, "export", "runs/s", "--format", "arrays", "--out", "given")
    alone = call(folder, "predict", "given", "digit.png", code=2, packages=False)
    assert 'format that is not installed: unknown exporter "arrays"' in alone.stderr


def test_the_help_of_export_imports_no_exporter(folder):
    (folder / "acme_arrays.py").rename(folder / "moved")
    try:
        (folder / "acme_arrays.py").write_text("raise SystemExit(77)")
        assert "--format" in call(folder, "export", "--help").stdout
    finally:
        (folder / "moved").replace(folder / "acme_arrays.py")
