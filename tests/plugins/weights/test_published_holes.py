"""Published vulnerabilities of Keras's model files: as weights, such files do nothing.

Keras mended them, each in its version; `dlcv` does not depend on that, for it reads the arrays
of such a file and never builds the model that its configuration describes.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import pytest

from dlcv.interfaces import load_weights

CONFIGURATIONS = {
    # Code in a Lambda layer, as marshalled bytes.
    "CVE-2024-3660": {
        "module": "keras.layers",
        "class_name": "Lambda",
        "config": {"function": {"class_name": "__lambda__", "config": {"code": "4wAAAAA="}}},
    },
    # Any module and function in place of a class.
    "CVE-2025-1550": {
        "module": "builtins",
        "class_name": "function",
        "config": "open",
        "registered_name": "function",
        "build_config": {"input_shape": ["HERE", "w"]},
    },
    # A function of Keras that writes files, called by a Lambda layer.
    "CVE-2025-8747": {
        "module": "keras.layers",
        "class_name": "Lambda",
        "config": {
            "function": {
                "module": "keras.utils",
                "class_name": "function",
                "config": "get_file",
                "registered_name": "function",
            },
            "arguments": {"fname": "HERE", "origin": "file:SECRET", "force_download": True},
        },
    },
    # A function of Keras that switches the safe mode off.
    "CVE-2025-9906": {
        "module": "keras.config",
        "class_name": "function",
        "config": "enable_unsafe_deserialization",
        "registered_name": "function",
    },
    # A vocabulary that is read from any file or address.
    "CVE-2025-12058": {
        "module": "keras.layers",
        "class_name": "StringLookup",
        "config": {"vocabulary": "SECRET"},
    },
    # A layer that unpickles a module of torch.
    "CVE-2025-49655": {
        "module": "keras.layers",
        "class_name": "TorchModuleWrapper",
        "config": {"module": {"class_name": "__bytes__", "config": {"value": "gASVAAAA"}}},
    },
    # A layer that loads a SavedModel, whose graph may write files.
    "CVE-2026-1462": {
        "module": "keras.layers",
        "class_name": "TFSMLayer",
        "config": {"filepath": "SECRET"},
    },
}


def network() -> keras.Model:
    inputs = keras.Input((4,))
    return keras.Model(inputs, keras.layers.Dense(2, name="dense")(inputs))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    model = network()
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    model.save(path)
    return path, model.get_weights()


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_model_in_a_file_of_weights_is_never_built(
    name: str, saved: tuple[Path, list[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = network()
    for module in ("serialization_lib", "saving_lib"):
        monkeypatch.setattr(f"keras.src.saving.{module}.deserialize_keras_object", _never)
    whole, weights = saved
    executed, secret = tmp_path / "executed", tmp_path / "secret"
    secret.write_text("a secret")
    hostile = tmp_path / "w.keras"
    text = json.dumps({"class_name": "Sequential", "config": {"layers": [CONFIGURATIONS[name]]}})
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(hostile, "w") as target:
        for member in source.namelist():
            content = source.read(member)
            if member == "config.json":
                content = text.replace("HERE", str(executed)).replace("SECRET", str(secret))
            target.writestr(member, content)

    load_weights(ours, hostile)

    for one, other in zip(ours.get_weights(), weights, strict=True):
        assert one.tolist() == other.tolist()
    assert not executed.exists()
    assert secret.stat().st_atime_ns <= secret.stat().st_mtime_ns


def test_the_model_in_an_old_file_is_never_built(tmp_path: Path) -> None:
    """CVE-2025-9905: in `.h5` files, the safe mode was ignored."""
    model = network()
    model.save_weights(tmp_path / "w.weights.h5")
    with h5py.File(tmp_path / "w.weights.h5", "a") as file:
        file.attrs["model_config"] = json.dumps(
            {"class_name": "Sequential", "config": {"layers": [CONFIGURATIONS["CVE-2024-3660"]]}}
        )

    ours = network()
    load_weights(ours, tmp_path / "w.weights.h5")

    assert ours.get_weights()[0].tolist() == model.get_weights()[0].tolist()


def _never(*_: Any, **__: Any) -> None:
    raise AssertionError("an object of the file's configuration was built")
