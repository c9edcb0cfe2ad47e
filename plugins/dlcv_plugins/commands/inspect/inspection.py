"""What a network is made of: its layers, parameters, multiply-adds, and memory."""

import math
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import attrs
import keras
import numpy as np

from dlcv.api import Network, layer_shape, load_into, open_source, refusal, symbolic
from dlcv.errors import DlcvError
from dlcv.interfaces import Architecture, evolve

IMAGENET = "imagenet"
"""The weights that Keras offers, beside files."""
COPIES = 4
"""How often training holds a weight: itself, its gradient, and the two averages of Adam."""


@attrs.frozen
class LayerFacts:
    """What is known of one layer.

    Attributes:
        index: Its position, the input's being 0.
        name: Its name.
        kind: Its class.
        output_shape: The shape of its output without the batch.
        parameters: The number of its weights.
        multiply_adds: Multiplications, each with an addition, for one image.
        inputs: The names of the layers whose output it takes.
    """

    index: int
    name: str
    kind: str
    output_shape: tuple[int | None, ...]
    parameters: int
    multiply_adds: int
    inputs: tuple[str, ...]


@attrs.frozen
class NetworkFacts:
    """What is known of a network.

    Attributes:
        layers: Its layers, from the input on.
        parameters: The number of all weights.
        trainable: The number of those that training changes.
        multiply_adds: Those of its convolutions and dense layers, for one image.
        weight_bytes: The memory of all weights.
        trainable_bytes: The memory of those that training changes.
        activation_bytes: The memory of the outputs of all layers for one image, which training
            keeps until the gradients are there; prediction frees most of it as it goes.
    """

    layers: tuple[LayerFacts, ...]
    parameters: int
    trainable: int
    multiply_adds: int
    weight_bytes: int
    trainable_bytes: int
    activation_bytes: int

    @classmethod
    def of(cls, network: keras.Model) -> "NetworkFacts":
        """Looks at a network; its weights need no values."""
        makers = {id(t): x.name for x in network.layers for t in _tensors(x.output)}
        layers = tuple(
            LayerFacts(
                index,
                layer.name,
                type(layer).__name__,
                tuple(_tensors(layer.output)[0].shape[1:]),
                layer.count_params(),
                multiply_adds(layer),
                () if isinstance(layer, keras.layers.InputLayer) else _names(layer, makers),
            )
            for index, layer in enumerate(network.layers)
        )
        outputs = [t for x in network.layers for t in _tensors(x.output)]
        return cls(
            layers,
            network.count_params(),
            sum(math.prod(w.shape) for w in network.trainable_weights),
            sum(layer.multiply_adds for layer in layers),
            sum(map(_bytes, network.weights)),
            sum(map(_bytes, network.trainable_weights)),
            sum(map(_bytes, outputs)),
        )

    def training_bytes(self, batch_size: int) -> int:
        """Returns roughly what training with Adam needs, without what the back end itself takes."""
        kept = self.weight_bytes + (COPIES - 1) * self.trainable_bytes
        return kept + batch_size * self.activation_bytes


def multiply_adds(layer: keras.Layer) -> int:
    """Returns the multiply-adds of a convolution or dense layer for one image; 0 for others.

    Every weight of a kernel is used once at each position of the output. Positions in the padding
    are counted too, and additions of biases are not, as is usual.
    """
    if hasattr(layer, "layers"):
        return sum(map(multiply_adds, layer.layers))
    convolutions = (
        keras.layers.Conv2D,
        keras.layers.DepthwiseConv2D,
        keras.layers.SeparableConv2D,
    )
    if isinstance(layer, convolutions):
        channels_first = layer.data_format == "channels_first"
        positions = layer.output.shape[2:] if channels_first else layer.output.shape[1:-1]
    elif isinstance(layer, keras.layers.Dense):
        positions = layer.output.shape[1:-1]
    else:
        return 0
    kernels = [w for w in layer.weights if w.path.endswith("kernel")]
    return math.prod(positions) * sum(math.prod(w.shape) for w in kernels)


def build_for_inspection(
    architecture: Architecture,
    size: tuple[int, int],
    channels: int,
    classes: int | None,
    weights: str | None = None,
) -> keras.Model:
    """Builds a network, with values for its weights only where pretrained ones are asked for.

    Args:
        architecture: The network.
        size: `(height, width)` of the images.
        channels: Their channels.
        classes: The number of classes; None for the body, without the classifier.
        weights: `imagenet`, a file or a run, loaded to see that it fits; None for none.

    Raises:
        DlcvError: the network can't take that size, there are no such weights, or they do not fit.
    """
    pretrained = None if weights is None else with_weights(architecture, weights)
    try:
        with nullcontext() if weights else symbolic():
            network = _build(pretrained or architecture, layer_shape(*size, channels), classes)
    except ValueError as error:
        raise refusal(architecture, (*size, channels), classes or 2, error) from error
    if pretrained is not None:
        pretrained.load_pretrained(network.model)
    elif weights is not None:
        with open_source(Path(weights), architecture) as source:
            load_into(network, source)
    return network.model


def with_weights(architecture: Architecture, weights: str) -> Architecture | None:
    """Returns a copy whose option `weights`, or that of its base, has a value.

    It returns None where there is no such option; a run of the network can still begin with weights
    of a file or of another run, by `initial_weights`.

    Raises:
        DlcvError: there are no such weights for that network.
    """
    options = architecture.options()
    base = options.get("base")
    if isinstance(base, Architecture) and (weights == IMAGENET or "weights" not in options):
        pretrained = with_weights(base, weights)
        return None if pretrained is None else evolve(architecture, base=pretrained)
    if "weights" in options:
        return evolve(architecture, weights=weights)
    if weights == IMAGENET:
        raise DlcvError(
            f"Keras has no ImageNet weights for {type(architecture).__name__}; name a file or run "
            "with weights of that network, or choose one of Keras's, such as resnet50"
        )
    return None


def _build(architecture: Architecture, shape: tuple[int, int, int], classes: int | None) -> Network:
    inputs = keras.Input(shape, name="images")
    features = architecture.features(inputs)
    outputs = features if classes is None else architecture.classify(features, classes)
    front, body = keras.Model(inputs, inputs), keras.Model(inputs, features)
    return Network(keras.Model(inputs, outputs), front, body)


def _names(layer: keras.Layer, makers: dict[int, str]) -> tuple[str, ...]:
    return tuple(makers[id(t)] for t in _tensors(layer.input) if id(t) in makers)


def _tensors(tensors: Any) -> list[Any]:
    return keras.tree.flatten(tensors)


def _bytes(array: Any) -> int:
    """Returns the memory of a weight, or of a layer's output for one image."""
    sizes: Iterable[int | None] = array.shape
    return math.prod(s for s in sizes if s is not None) * _item_size(str(array.dtype))


def _item_size(dtype: str) -> int:
    return 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize
