"""Giving a network the weights of a file: by the layers' names, else by their places."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlcv.errors import DlcvError
from dlcv.interfaces.architecture import assign, single_layers, weights_of
from dlcv_plugins.weights.keras_files import (
    WEIGHT_FILES,
    StoredArray,
    StoredLayer,
    listed,
    open_weights,
)

if TYPE_CHECKING:
    import keras
    import numpy as np

RUN_MODEL, CHECKPOINTS = "model.keras", "checkpoints"
"""The network in a run's folder, and the folder of its checkpoints."""


def load_weights(
    network: "keras.Model",
    path: Path,
    read: "Callable[[Path], Mapping[str, Sequence[np.ndarray]]] | None" = None,
) -> None:
    """Gives a network the weights of a file; of a `.keras` file the weights only are read.

    Layers are found by name. Where no name of the network is in the file, they are found by their
    place, as Keras does.

    Args:
        network: The network; a body takes the weights of its layers from a whole network, too.
        path: The file, or the folder of a finished run.
        read: Reads files that Keras did not write, `Architecture.read_weights`; None for none.

    Raises:
        DlcvError: there is no such file, it can't be read, or its weights are those of another
            network; the message names the layer and the shapes.
    """
    path = path.expanduser()
    if (path / RUN_MODEL).is_file():
        if (path / CHECKPOINTS).is_dir():
            _assign_run(network, path)
            return
        path = path / RUN_MODEL
    if not path.exists():
        raise DlcvError(f"no such file or run with weights: {path}")
    if read is not None and path.is_file() and not path.name.endswith(WEIGHT_FILES):
        _assign_all(network, read(path), path)
        return
    if not path.name.endswith(WEIGHT_FILES):
        raise DlcvError(
            f"{path} is no finished run, and files of weights end in {listed(WEIGHT_FILES)}; "
            "`model.save_weights(...)` of Keras writes one"
        )
    with open_weights(path) as stored:
        for variables, arrays in _pairs(network, stored, path):
            assign(variables, arrays)


def _assign_run(network: "keras.Model", path: Path) -> None:
    """Gives every layer the weights that a run ended with, layers of layers among them."""
    from dlcv.api import open_source

    with open_source(path) as source:
        _assign_all(network, source.layers, path)


def _assign_all(
    network: "keras.Model", layers: "Mapping[str, Sequence[np.ndarray]]", path: Path
) -> None:
    """Gives every layer its arrays, or none if one does not fit."""
    weighted = [layer for layer in single_layers(network.layers) if weights_of(layer)]
    for layer in weighted:
        if problem := _misfit(weights_of(layer), layers.get(layer.name)):
            raise DlcvError(f"{path} does not fit {network.name}: layer {layer.name}: {problem}")
    for layer in weighted:
        assign(weights_of(layer), layers[layer.name])


def copy_weights(source: "keras.Model", target: "keras.Model") -> None:
    """Gives the layers of a network the weights of those of the same names in another.

    Constants of `Normalization` are left alone: they are in place since the network was built.
    """
    for layer in source.layers:
        if layer.weights and type(layer).__name__ != "Normalization":
            target.get_layer(layer.name).set_weights(layer.get_weights())


def _pairs(
    network: "keras.Model", stored: list[StoredLayer], path: Path
) -> list[tuple[list[Any], Sequence[StoredArray]]]:
    """Returns the weights of each layer with the arrays for them."""
    found = {layer.name: layer.arrays for layer in stored}
    keys = {layer: layer.name for layer in network.layers}
    if not found.keys() & {layer.name for layer in network.layers if weights_of(layer)}:
        found = {layer.place: layer.arrays for layer in stored}
        is_legacy = all(place.isdecimal() for place in found)
        keys = _positions(network) if is_legacy else _places(network)
    pairs = []
    for layer, key in keys.items():
        if not (variables := weights_of(layer)):
            continue
        arrays = found.get(key)
        problem = _misfit(variables, arrays)
        if problem:
            raise DlcvError(f"{path} does not fit {network.name}: layer {layer.name}: {problem}")
        pairs.append((variables, arrays or ()))
    return pairs


def _misfit(variables: list[Any], arrays: Sequence[Any] | None) -> str:
    """Returns why arrays are not those of a layer; empty if they are."""
    if arrays is None:
        return "the file has no such layer"
    if len(variables) != len(arrays):
        return f"the network has {len(variables)} weights there, the file {len(arrays)}"
    for variable, array in zip(variables, arrays, strict=True):
        if (ours := tuple(variable.shape)) != array.shape:
            return f"the network's weights have the shape {ours}, the file's {array.shape}"
    return ""


def _positions(network: "keras.Model") -> "dict[keras.Layer, str]":
    """Returns the layers with weights by their position, as old files of Keras have them."""
    weighted = [layer for layer in network.layers if weights_of(layer)]
    return {layer: str(index) for index, layer in enumerate(weighted)}


def _places(network: "keras.Model") -> "dict[keras.Layer, str]":
    """Returns the layers by what Keras calls them in a file: `conv2d`, `conv2d_1`."""
    counts: dict[str, int] = {}
    places = {}
    for layer in network.layers:
        kind = re.sub(r"\W+", "", type(layer).__name__)
        kind = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", kind)
        kind = re.sub("([a-z])([A-Z])", r"\1_\2", kind).lower()
        number = counts.get(kind, 0)
        counts[kind] = number + 1
        places[layer] = f"{kind}_{number}" if number else kind
    return places
