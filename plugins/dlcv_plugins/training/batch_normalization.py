"""Batch normalization by TensorFlow's own kernel, which Keras leaves unused.

Keras composes it of a dozen operations, each of which reads and writes all values; only XLA joins
them again (keras-team/keras-core issue 225), and processors are faster without XLA. The kernel is
what Keras 2 used.
"""

from functools import partial
from typing import Any

import keras

CHANNELS_LAST = -1, 3
"""The axes of the channels that the kernel takes, of the four of a batch of images."""


def fuse(model: keras.Model) -> None:
    """Makes batch normalization of images one operation, with the same results up to rounding.

    Nothing is done on another back end than TensorFlow, or where XLA compiles the network: XLA
    computes the kernel's variance as a difference of squares, which loses digits.

    Args:
        model: The compiled network.
    """
    restore(model)
    if keras.backend.backend() != "tensorflow" or model.jit_compile:
        return
    for layer in model._flatten_layers():
        if _is_fusible(layer):
            layer.call = partial(_call, layer)


def restore(model: keras.Model) -> None:
    """Makes batch normalization Keras's own again."""
    for layer in model._flatten_layers():
        if isinstance(call := vars(layer).get("call"), partial) and call.func is _call:
            del layer.call


def _is_fusible(layer: keras.layers.Layer) -> bool:
    return (
        isinstance(layer, keras.layers.BatchNormalization)
        and type(layer).call is keras.layers.BatchNormalization.call
        and layer.built
        and layer.axis in CHANNELS_LAST
        and layer.input_spec.ndim == 4
        and not (layer.renorm or layer.synchronized)
        and layer.compute_dtype != "float64"
    )


def _call(
    layer: keras.layers.BatchNormalization, inputs: Any, training: Any = None, mask: Any = None
) -> Any:
    """Returns the normalized values, as the layer's own `call` does."""
    if mask is not None:
        return type(layer).call(layer, inputs, training=training, mask=mask)
    import tensorflow as tf

    def float32(weight: Any, otherwise: float) -> Any:
        known = weight is not None
        return tf.cast(weight, tf.float32) if known else tf.fill(inputs.shape[-1:], otherwise)

    by_batch = bool(training and layer.trainable)
    moving = [tf.cast(each, tf.float32) for each in (layer.moving_mean, layer.moving_variance)]
    none = tf.constant([], tf.float32)
    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=inputs,
        scale=float32(layer.gamma, 1.0),
        offset=float32(layer.beta, 0.0),
        mean=none if by_batch else moving[0],
        variance=none if by_batch else moving[1],
        epsilon=layer.epsilon,
        is_training=by_batch,
    )
    if by_batch:
        # The kernel estimates the variance of all images; Keras keeps that of the batch.
        count = tf.cast(tf.size(inputs, tf.int64) // inputs.shape[-1], tf.float32)
        new = mean, variance * ((count - 1) / count)
        for variable, old, value in zip(
            (layer.moving_mean, layer.moving_variance), moving, new, strict=True
        ):
            variable.assign(old * layer.momentum + value * (1 - layer.momentum))
    return outputs
