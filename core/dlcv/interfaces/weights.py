"""Weights from files that Keras wrote; the files hold arrays, and nothing in them is executed."""

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from dlcv.errors import DlcvError

if TYPE_CHECKING:
    import keras

RUN_MODEL = "model.keras"
"""The network in a run's folder."""
WEIGHT_FILES = (".weights.h5", ".h5", ".hdf5", ".keras")
"""How the names of files with weights end."""


def load_weights(network: "keras.Model", path: Path) -> None:
    """Gives a network the weights of a file; of a `.keras` file the weights only are read.

    Args:
        network: The network; a body takes the weights of its layers from a whole network, too.
        path: The file, or the folder of a run.

    Raises:
        DlcvError: there is no such file, it can't be read, or its weights are those of another
            network; the message names the layer and the shapes.
    """
    path = path.expanduser()
    if (path / RUN_MODEL).is_file():
        path = path / RUN_MODEL
    if not path.exists():
        raise DlcvError(f"no such file or run with weights: {path}")
    if not path.name.endswith(WEIGHT_FILES):
        raise DlcvError(
            f"{path} is no finished run, and files of weights end in "
            f"{', '.join(WEIGHT_FILES[:-1])} or {WEIGHT_FILES[-1]}; "
            "`model.save_weights(...)` of Keras writes one"
        )
    try:
        with warnings.catch_warnings():
            # Keras warns of each part of a network that the file has not, before it gives up.
            warnings.simplefilter("ignore", UserWarning)
            network.load_weights(path)
    except Exception as error:
        # Keras, h5py and zipfile each raise their own.
        raise DlcvError(f"{path} does not fit {network.name}: {_reason(str(error))}") from error


def copy_weights(source: "keras.Model", target: "keras.Model") -> None:
    """Gives the layers of a network the weights of those of the same names in another.

    Constants of `Normalization` are left alone: they are in place since the network was built.
    """
    for layer in source.layers:
        if layer.weights and type(layer).__name__ != "Normalization":
            target.get_layer(layer.name).set_weights(layer.get_weights())


def _reason(message: str) -> str:
    """Returns what Keras says of the first layer that does not fit, with the shapes."""
    layer = re.search(r"for object <\w+ name=([^,>]+).*?:\s*\n\s*\n(.*)", message, re.DOTALL)
    told = layer[2] if layer else message
    shapes = re.search(r"variable\.shape=(\(.*?\)), Received: value\.shape=(\(.*?\))", told)
    if shapes:
        told = f"the network's weights have the shape {shapes[1]}, the file's {shapes[2]}"
    first = told.strip().splitlines()[0].rstrip(".") if told.strip() else "it can't be read"
    return f"layer {layer[1]}: {first}" if layer else first
