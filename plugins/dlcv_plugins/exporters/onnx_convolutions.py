"""Convolutions in groups, as a graph that tf2onnx converts."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


@contextmanager
def plain_group_convolutions(network: "keras.Model") -> Iterator[None]:
    """Lets convolutions in groups be traced as the one operation that they are.

    TensorFlow computes them on a processor only when XLA compiles them, so Keras 3.15 puts each in
    a function for XLA. TensorFlow never inlines such a function, and ONNX can't call it. Within the
    block the network can be traced, but not run on a processor.

    Args:
        network: Its layers are as before when the block ends.
    """
    changed = list(_group_convolutions(network))
    for layer in changed:
        layer.convolution_op = functools.partial(_convolve, layer)
    try:
        yield
    finally:
        for layer in changed:
            del layer.convolution_op


def _group_convolutions(model: Any) -> Iterator[Any]:
    """Gives the layers with `groups` above 1, those of networks inside the network too."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from _group_convolutions(layer)
        elif getattr(layer, "groups", 1) > 1 and hasattr(layer, "convolution_op"):
            yield layer


def _convolve(layer: Any, inputs: Any, kernel: Any) -> Any:
    """Convolves `(N, H, W, C)` inputs as `Conv2D.convolution_op` does, without XLA."""
    import tensorflow as tf

    return tf.nn.convolution(
        inputs,
        tf.convert_to_tensor(kernel),
        strides=layer.strides,
        padding=layer.padding.upper(),
        data_format="NHWC",
        dilations=layer.dilation_rate,
    )
