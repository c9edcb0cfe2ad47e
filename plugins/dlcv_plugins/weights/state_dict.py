"""State dictionaries of PyTorch networks: read from files, and mapped to Keras's layers."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from dlcv import files
from dlcv.errors import DlcvError

if TYPE_CHECKING:
    import numpy as np

PYTORCH_FILES = (".pth", ".pt", ".pth.tar", ".bin")
SAFETENSORS = ".safetensors"
STATE_DICT_FILES = (*PYTORCH_FILES, SAFETENSORS)
"""How the names of files with state dictionaries end."""
NORMALIZATION = ("weight", "bias", "running_mean", "running_var")
"""A batch normalization's arrays, in the order of Keras's gamma, beta, mean and variance."""
WRAPPER = "module."
"""What `DataParallel` puts before every name."""


class Entry(NamedTuple):
    """Where a layer's arrays are in a state dictionary.

    Attributes:
        kind: The type of layer, which decides the order of axes.
        name: What the names of its arrays begin with, without the dot.
        bias: Whether there is a bias beside the kernel.
    """

    kind: Literal["conv", "depthwise", "dense", "norm"]
    name: str
    bias: bool = False


Names = Mapping[str, tuple[Entry, ...]]
"""By layer of the network: its entry, or several where libraries name it differently."""


def read_layers(path: Path, names: Names) -> "dict[str, list[np.ndarray]]":
    """Reads a file of weights as the weights of Keras's layers.

    Args:
        path: A `.pth`, `.pt` or `.safetensors` file.
        names: Where each layer's arrays are.

    Returns:
        For each layer that the file holds, its arrays in Keras's order of axes, float32.

    Raises:
        DlcvError: the file can't be read, or lacks a layer of the body, or has arrays of other
            dimensions; the message names the array.
    """
    state = read_state_dict(path)
    if all(name.startswith(WRAPPER) for name in state):
        state = {name.removeprefix(WRAPPER): array for name, array in state.items()}
    layers = {}
    for layer, entries in names.items():
        entry = next((e for e in entries if f"{e.name}.weight" in state), None)
        if entry is not None:
            layers[layer] = _arrays(path, state, entry)
        elif layer != "predictions":
            wanted = " or ".join(f"{e.name}.weight" for e in entries)
            raise DlcvError(f"{path} has no array {wanted}; it belongs to another network")
    return layers


def read_state_dict(path: Path) -> "dict[str, np.ndarray]":
    """Reads all arrays of a `.pth`, `.pt` or `.safetensors` file by name; executes nothing.

    Raises:
        DlcvError: there is no such file, it is damaged, or what reads it isn't installed.
    """
    if not path.is_file():
        raise DlcvError(f"no such file with weights: {path}")
    if path.name.endswith(SAFETENSORS):
        return _read_safetensors(path)
    if path.name.endswith(PYTORCH_FILES):
        from dlcv_plugins.weights.pytorch import read_pytorch

        return read_pytorch(path)
    raise DlcvError(
        f"{path} is no file of weights; their names end in {', '.join(STATE_DICT_FILES)}"
    )


def _read_safetensors(path: Path) -> "dict[str, np.ndarray]":
    if importlib.util.find_spec("safetensors") is None:
        raise DlcvError(f"reading {path} needs safetensors: pip install 'dlcv[pretrained]'")
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise files.unreadable(path, error, f"can't be read as safetensors: {error}") from None


def _arrays(path: Path, state: "dict[str, np.ndarray]", entry: Entry) -> "list[np.ndarray]":
    """Returns a layer's arrays as Keras orders them."""
    import numpy as np

    parts = NORMALIZATION if entry.kind == "norm" else ("weight", "bias")[: 1 + entry.bias]
    found = []
    for part in parts:
        array = state.get(f"{entry.name}.{part}")
        dimensions = 1
        if part == "weight" and entry.kind != "norm":
            dimensions = 2 if entry.kind == "dense" else 4
        if array is None or array.ndim != dimensions:
            shape = "missing" if array is None else f"of shape {array.shape}"
            raise DlcvError(
                f"{path}: the array {entry.name}.{part} is {shape}; expected "
                f"{dimensions} dimensions"
            )
        found.append(np.asarray(array, np.float32))
    axes = {"conv": (2, 3, 1, 0), "depthwise": (2, 3, 0, 1), "dense": (1, 0), "norm": (0,)}
    return [np.ascontiguousarray(found[0].transpose(axes[entry.kind])), *found[1:]]
