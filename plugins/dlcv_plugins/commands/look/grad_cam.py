"""Grad-CAM: where a network looks when it says a class."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import cv2
import keras
import numpy as np

from dlcv.api import Inputs, Run, open_inputs
from dlcv.errors import DlcvError, suggestion
from dlcv.interfaces import LabelledImages
from dlcv_plugins.commands.look.layers import channels_last, chosen_layer, tapped
from dlcv_plugins.commands.look.placement import placed, placement

LONGEST_SIDE = 800
"""Pixels of an image that is shown; larger ones are made smaller."""
LARGEST_COUNT = 60
"""More images than these make no picture that anyone can look at."""


@attrs.frozen(eq=False)
class Explanation:
    """What of an image speaks for a class, and for its true one where that is another.

    Attributes:
        id: What names the image.
        pixels: `(H, W, C)` uint8, the image, made smaller where it is large.
        label: The class that is asked about.
        predicted: The class that the network says.
        probability: The probability of `label`.
        heat: `(H, W)` float32 from 0 to 1; where it is high, the image speaks for `label`. NaN
            where the network does not see the image.
        truth: The true class, where it is known.
        truth_probability: The true class's probability, where that is known.
        truth_heat: The same for the true class; None where it is not known, or is `label`.
    """

    id: str
    pixels: np.ndarray
    label: str
    predicted: str
    probability: float
    heat: np.ndarray
    truth: str | None = None
    truth_probability: float | None = None
    truth_heat: np.ndarray | None = None


def grad_cam(
    run: Run, inputs: Inputs | LabelledImages, *, label: str | None = None, layer: str | None = None
) -> list[Explanation]:
    """Returns where a run's network looks (Selvaraju et al. 2017, arXiv:1610.02391).

    The maps of a layer are weighted by the mean of the class score's gradient over each map.

    Args:
        run: The run.
        inputs: Paths of images, or images, as `Run.predict` takes them, or labelled images of a
            store. A file in a folder that is named like a class is taken to be of that class.
        label: The class that is asked about; None for the one that the network says.
        layer: The layer with the maps; None for the last one.

    Raises:
        DlcvError: there is no such class or layer, the network has no convolution, or there are
            too many images.
        ImageError: an image can't be read or processed.
    """
    if label is not None and label not in run.label_names:
        raise DlcvError(f'the run has no class "{label}"{suggestion(label, run.label_names)}')
    if is_labelled := isinstance(inputs, LabelledImages):
        opened = inputs
    else:
        opened = open_inputs(inputs, run.channels, run.bit_depth)
    if len(opened.labels) > LARGEST_COUNT:
        raise DlcvError(
            f"there are {len(opened.labels)} images; {LARGEST_COUNT} can be looked at at once"
        )
    names, ids = run.label_names, [opened.sample_id(i) for i in range(len(opened))]
    truths = [opened.label_names[i] for i in opened.labels] if is_labelled else map(_folder, ids)
    true = np.array([names.index(t) if t in names else -1 for t in truths], np.int64)
    _, watched = chosen_layer(run.model, layer, default=-1)
    placements: dict[tuple[int, int], np.ndarray | None] = {}
    found: list[Explanation] = []
    for pixels, _ in run.loader(opened).epoch():
        probabilities = keras.ops.convert_to_numpy(run.model(pixels, training=False))
        asked = predicted = probabilities.argmax(axis=1)
        if label is not None:
            asked = np.full(len(pixels), names.index(label))
        at = np.arange(len(found), len(found) + len(pixels))
        heat = heat_maps(run.model, watched, pixels, asked)
        # Of images without a known class, the map is computed and not used.
        of_truth = heat_maps(run.model, watched, pixels, np.maximum(true[at], 0))
        for i, index in enumerate(at):
            image = opened.read([int(index)])[0]
            size = image.shape[:2]
            if size not in placements:
                placements[size] = placement(run, size)
            shown, heats = _shown(image, pixels[i], [heat[i], of_truth[i]], placements[size])
            known = true[index] >= 0
            found.append(
                Explanation(
                    ids[index], shown, names[asked[i]], names[predicted[i]],
                    float(probabilities[i, asked[i]]), heats[0],
                    truth=names[true[index]] if known else None,
                    truth_probability=float(probabilities[i, true[index]]) if known else None,
                    truth_heat=heats[1] if known and true[index] != asked[i] else None,
                )
            )  # fmt: skip
    return found


def _folder(path: str) -> str:
    return Path(path).absolute().parent.name


def _shown(
    image: np.ndarray, pixels: np.ndarray, heats: list[np.ndarray], to_image: np.ndarray | None
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Returns an image of bounded size, and the heat upon it.

    Where nobody knows which part of the image the network sees, it is the network's own pixels.
    """
    if to_image is None:
        return pixels, heats
    height, width = image.shape[:2]
    scale = min(1, LONGEST_SIDE / max(height, width))
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    factors = np.array([[size[1] / width], [size[0] / height]])
    smaller = to_image * factors
    smaller[:, 2:] += (factors - 1) / 2
    shown = cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)
    shown = shown.reshape(*size, image.shape[2])
    return shown, [placed(heat, smaller, size) for heat in heats]


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
    """Returns the network's outputs before its softmax or sigmoid, `(N, classes)`.

    These take the gradient away where the network is sure of its answer.
    """
    with _linear(_last_layer(network)) as is_linear:
        outputs = network(pixels, training=False)
    return outputs if is_linear else keras.ops.log(outputs + keras.config.epsilon())


@contextmanager
def _linear(layer: keras.Layer) -> Iterator[bool]:
    """Takes the softmax or sigmoid off a layer for a while; yields whether it had one."""
    activation = getattr(layer, "activation", None)
    if activation not in (keras.activations.softmax, keras.activations.sigmoid):
        yield False
        return
    layer.activation = keras.activations.linear
    try:
        yield True
    finally:
        layer.activation = activation


def _last_layer(network: keras.Model) -> keras.Layer:
    # What follows the probability of one class adds that of the other.
    last = next(x for x in reversed(network.layers) if x.weights or hasattr(x, "activation"))
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
