"""Grad-CAM: where a network looks when it says a class."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import keras
import numpy as np

from dlcv.api import Run, open_inputs
from dlcv.errors import DlcvError, suggestion
from dlcv_plugins.commands.look.layers import channels_last, chosen_layer, tapped

LARGEST_COUNT = 60
"""More images than these make no picture that anyone can look at."""


@attrs.frozen(eq=False)
class Explanation:
    """What of an image speaks for a class.

    Attributes:
        id: What names the image.
        pixels: `(H, W, C)` uint8, the image as the network sees it.
        label: The class.
        probability: That class's probability.
        heat: `(H, W)` float32 from 0 to 1; where it is high, the image speaks for the class.
    """

    id: str
    pixels: np.ndarray
    label: str
    probability: float
    heat: np.ndarray


def grad_cam(
    run: Run, inputs: Any, *, label: str | None = None, layer: str | None = None
) -> list[Explanation]:
    """Returns where a run's network looks (Selvaraju et al. 2017, arXiv:1610.02391).

    The maps of a layer are weighted by the mean of the class score's gradient over each map.

    Args:
        run: The run.
        inputs: Paths of images, or images, as `Run.predict` takes them.
        label: The class that is asked about; None for the one that the network says.
        layer: The layer with the maps; None for the last one.

    Raises:
        DlcvError: there is no such class or layer, the network has no convolution, or there are
            too many images.
        ImageError: an image can't be read or processed.
    """
    if label is not None and label not in run.label_names:
        raise DlcvError(f'the run has no class "{label}"{suggestion(label, run.label_names)}')
    opened = open_inputs(inputs, run.channels)
    if len(opened.labels) > LARGEST_COUNT:
        raise DlcvError(
            f"there are {len(opened.labels)} images; {LARGEST_COUNT} can be looked at at once"
        )
    network = run.model
    _, watched = chosen_layer(network, layer, default=-1)
    found: list[Explanation] = []
    for pixels, _ in run.loader(opened).epoch():
        probabilities = keras.ops.convert_to_numpy(network(pixels, training=False))
        wanted = probabilities.argmax(axis=1)
        if label is not None:
            wanted = np.full(len(pixels), run.label_names.index(label))
        heat = heat_maps(network, watched, pixels, wanted)
        for i, index in enumerate(wanted):
            name, row = opened.sample_id(len(found)), probabilities[i]
            found.append(
                Explanation(name, pixels[i], run.label_names[index], float(row[index]), heat[i])
            )
    return found


def heat_maps(
    network: keras.Model, layer: keras.Layer, pixels: np.ndarray, classes: np.ndarray
) -> np.ndarray:
    """Returns where images speak for classes, `(N, H, W)` float32 from 0 to 1.

    Args:
        network: The network, from raw pixels to probabilities.
        layer: A layer of it with maps, also within a network that it contains.
        pixels: `(N, H, W, C)` uint8.
        classes: `(N,)`, the class that each image is asked about.
    """
    import cv2

    with tapped(layer) as outputs:
        network(pixels, training=False)
    maps = outputs[-1]
    wanted = np.eye(network.output_shape[-1], dtype=np.float32)[classes]

    def score(difference: Any) -> Any:
        """Returns the sum of the scores if the maps were other by `difference`."""

        def add(output: Any) -> Any:
            return output + keras.ops.cast(difference, output.dtype)

        with tapped(layer, add):
            return keras.ops.sum(_scores(network, pixels) * wanted)

    # Differentiating by a difference of zeros works for maps deep within, on every back end.
    gradient = channels_last(_gradient(score, np.zeros(maps.shape, np.float32)))
    weights = gradient.mean(axis=(1, 2), keepdims=True)
    heat = np.maximum((channels_last(maps) * weights).sum(axis=3), 0)
    largest = heat.max(axis=(1, 2), keepdims=True)
    heat = np.divide(heat, largest, out=np.zeros_like(heat), where=largest > 0)
    height, width = pixels.shape[1:3]
    return np.stack([cv2.resize(row, (width, height)) for row in heat])


def _scores(network: keras.Model, pixels: np.ndarray) -> Any:
    """Returns the network's outputs before its softmax, `(N, classes)`.

    The softmax takes the gradient away where the network is sure of its answer.
    """
    with _linear(_last_layer(network)) as is_linear:
        outputs = network(pixels, training=False)
    return outputs if is_linear else keras.ops.log(outputs + keras.config.epsilon())


@contextmanager
def _linear(layer: keras.Layer) -> Iterator[bool]:
    """Takes the softmax off a layer for a while; yields whether it had one."""
    activation = getattr(layer, "activation", None)
    if activation is not keras.activations.softmax:
        yield False
        return
    layer.activation = keras.activations.linear
    try:
        yield True
    finally:
        layer.activation = activation


def _last_layer(network: keras.Model) -> keras.Layer:
    last = network.layers[-1]
    return _last_layer(last) if isinstance(last, keras.Model) else last


def _gradient(function: Callable[[Any], Any], at: np.ndarray) -> Any:
    """Returns the gradient of a function of an array; Keras has none that every back end knows."""
    back_end = keras.backend.backend()
    if back_end == "jax":
        import jax

        return jax.grad(function)(jax.numpy.asarray(at))
    if back_end == "torch":
        import torch  # type: ignore[import-not-found]

        point = torch.tensor(at, requires_grad=True)
        return torch.autograd.grad(function(point), point)[0]
    if back_end == "tensorflow":
        import tensorflow as tf

        constant = tf.constant(at)
        with tf.GradientTape() as tape:
            tape.watch(constant)
            value = function(constant)
        return tape.gradient(value, constant)
    raise DlcvError(f"Grad-CAM needs gradients, which the back end {back_end} does not have")
