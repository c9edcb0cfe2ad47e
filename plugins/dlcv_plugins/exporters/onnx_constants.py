"""Constants of an ONNX model that the conversion leaves among its inputs."""

from pathlib import Path
from typing import TYPE_CHECKING

from dlcv.errors import DlcvError

if TYPE_CHECKING:
    import keras
    import numpy as np


def set_constants(path: Path, network: "keras.Model") -> None:
    """Gives the inputs that should be constants their values.

    What a layer holds as a tensor that is no variable, as `mean` does, tf2onnx 1.17 takes for one
    more input of the function that it converts. TensorFlow has the values under the same names.

    Args:
        path: The model's file, which is written anew where needed.
        network: What it was converted from.

    Raises:
        DlcvError: an input is left whose value is not known.
    """
    import onnx

    model = onnx.load(path)
    extra = [given for given in model.graph.input if given.name != "pixels"]
    if not extra:
        return
    known = _constants(network)
    if unknown := [given.name for given in extra if given.name not in known]:
        raise DlcvError(f"the model would have the inputs {', '.join(unknown)} beside pixels")
    for given in extra:
        model.graph.input.remove(given)
        model.graph.initializer.append(onnx.numpy_helper.from_array(known[given.name], given.name))
    onnx.save(model, path)


def _constants(network: "keras.Model") -> "dict[str, np.ndarray]":
    """Returns the tensors that are no variables in a network's graph, by name."""
    import tensorflow as tf

    pixels = tf.TensorSpec(network.input_shape, tf.uint8, "pixels")
    traced = tf.function(lambda pixels: network(pixels, training=False))
    captures = traced.get_concrete_function(pixels).graph.captures
    return {inner.name: outer.numpy() for outer, inner in captures if outer.dtype != tf.resource}
