"""The network of a run: one flat graph from raw pixels to probabilities."""

import inspect
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import attrs
import keras
import numpy as np

from dlcv.data.pipeline import Pipeline
from dlcv.errors import DlcvError
from dlcv.interfaces import Architecture, Preprocessor
from dlcv.progress import waiting

LARGEST_TRIED = 1024
"""The largest height and width, in pixels, that is tried where a network can't take an image."""


@attrs.frozen(eq=False)
class Network:
    """A network, and where its parts meet; the parts share their layers.

    Attributes:
        model: All of it, from raw pixels to probabilities.
        front: From raw pixels to what the architecture takes: the input and the value layers.
        body: From raw pixels to features.
        fixed: The names of layers that the architecture itself keeps from being trained.
    """

    model: keras.Model
    front: keras.Model
    body: keras.Model
    fixed: frozenset[str] = frozenset()

    @property
    def own_layers(self) -> list[keras.Layer]:
        """The architecture's layers; the first has index 1 in `dlcv inspect`."""
        return list(self.model.layers[len(self.front.layers) :])

    @property
    def head_layers(self) -> list[keras.Layer]:
        """The layers that the classifier adds."""
        return list(self.model.layers[len(self.body.layers) :])

    def head(self) -> keras.Model:
        """Returns the classifier alone, from features to probabilities."""
        with _policy(self.model.dtype_policy.name):
            return keras.Model(self.body.output, self.model.output, name="head")

    @property
    def is_body_frozen(self) -> bool:
        """Whether only the classifier is trained, and there is a body that has weights."""
        body = self.body.layers[len(self.front.layers) :]
        return any(layer.weights for layer in body) and not self.body.trainable_variables

    def for_training(self) -> keras.Model:
        """Returns what is trained: a frozen body works as in prediction, in training, too.

        A frozen batch normalization does so by itself, a frozen dropout does not.
        """
        if not self.is_body_frozen or not any(map(is_random_in_training, self.body.layers)):
            return self.model
        with _policy(self.model.dtype_policy.name):
            return _ConstantBody(self.body, self.head(), name=self.model.name)


class _ConstantBody(keras.Model):
    """A body in inference mode, and a classifier that is trained.

    A functional model would hand `training` on to the body's layers.
    """

    def __init__(self, body: keras.Model, head: keras.Model, name: str) -> None:
        super().__init__(name=name)
        self.body, self.head = body, head

    @property
    def outputs(self) -> list[keras.KerasTensor]:
        """The classifier's outputs, as a functional model has them."""
        return list(self.head.outputs)

    def call(self, pixels: Any, training: bool | None = None) -> Any:
        return self.head(self.body(pixels, training=False), training=training)


def is_random_in_training(layer: keras.Layer) -> bool:
    """Returns whether a layer has a source of randomness that it uses in training alone."""
    # What a layer has beside weights is the state of its randomness.
    is_random = len(layer.variables) != len(layer.weights)
    return is_random and "training" in inspect.signature(layer.call).parameters


def build_network(
    architecture: Architecture,
    pipeline: Pipeline,
    input_shape: tuple[int, int, int],
    classes: int,
    precision: str,
) -> keras.Model:
    """Returns input, value layers, features and classifier as one graph, as `build_parts` does."""
    return build_parts(architecture, pipeline, input_shape, classes, precision).model


def build_parts(
    architecture: Architecture,
    pipeline: Pipeline,
    input_shape: tuple[int, int, int],
    classes: int,
    precision: str,
) -> Network:
    """Returns input, value layers, features and classifier as one graph, and its parts.

    Args:
        architecture: The network.
        pipeline: Its value steps become the first layers, in float32.
        input_shape: `(H, W, C)` of the images, which come as uint8, channels last.
        classes: The number of classes.
        precision: A Keras dtype policy's name.

    Raises:
        DlcvError: the network can't take that size.
    """
    with _policy(precision), waiting("building the network"):
        inputs = x = keras.Input(input_shape, dtype="uint8", name="pixels")
        for step in pipeline.value_steps:
            x = _add(step, x)
        if not pipeline.value_steps:
            x = keras.layers.Rescaling(1.0, dtype="float32", name="cast")(x)
        if keras.config.image_data_format() == "channels_first":
            x = keras.layers.Permute((3, 1, 2), dtype="float32", name="channels_first")(x)
        try:
            features = architecture.features(x)
            outputs = architecture.classify(features, classes)
        except ValueError as error:
            raise refusal(architecture, input_shape, classes, error) from error
        # Within the policy: a model of 16-bit floats scales its loss, or small gradients vanish.
        model = keras.Model(inputs, outputs, name=type(architecture).__name__.lower())
    return Network(
        model,
        keras.Model(inputs, x, name="front"),
        keras.Model(inputs, features, name="body"),
        frozenset(layer.name for layer in model.layers if not layer.trainable),
    )


def symbolic() -> keras.StatelessScope:
    """Returns a context in which networks are built without values for their weights.

    It takes a fraction of the time and no memory; such networks can be looked at, not used.
    """
    return keras.StatelessScope(initialize_variables=False)


def layer_shape(height: int, width: int, channels: int) -> tuple[int, int, int]:
    """Returns an image's shape in the order of axes that Keras is configured for."""
    if keras.config.image_data_format() == "channels_first":
        return channels, height, width
    return height, width, channels


def smallest_size(
    architecture: Architecture, channels: int, classes: int, *, above: int = 0
) -> int | None:
    """Returns the smallest height and width, in pixels, that a network can take, found by trying.

    Args:
        architecture: The network.
        channels: The channels of the images.
        classes: The number of classes.
        above: A size that is known to be too small.

    Returns:
        The size; None where none up to `LARGEST_TRIED` does.
    """

    def works(size: int) -> bool:
        try:
            with symbolic():
                architecture.build(layer_shape(size, size, channels), classes)
        except (ValueError, DlcvError):
            return False
        return True

    low, high = above, above + 1
    while not works(high):
        if high >= LARGEST_TRIED:
            return None
        low, high = high, 2 * high
    sizes = range(low + 1, high)
    return (*sizes, high)[bisect_left(sizes, True, key=works)]


def _add(step: Preprocessor, x: keras.KerasTensor) -> keras.KerasTensor:
    try:
        return step.as_layer()(x)
    except ValueError as error:
        # A step that knows its own limits tells them better, with a cure.
        with suppress(ValueError):
            step(np.zeros((1, 1, 1, x.shape[-1]), np.float32))
        raise DlcvError(
            f"{type(step).__name__} can't take images of {x.shape[-1]} channels ({_reason(error)})"
        ) from error


def refusal(
    architecture: Architecture, input_shape: tuple[int, int, int], classes: int, error: ValueError
) -> DlcvError:
    """Returns what to say where Keras refuses to build a network for images of `(H, W, C)`."""
    height, width, channels = input_shape
    refused = (
        f"{type(architecture).__name__} can't take images of {height} x {width} pixels "
        f"with {channels} channels ({_reason(error)})"
    )
    size = smallest_size(architecture, channels, classes, above=min(height, width))
    if size is None:
        return DlcvError(f"{refused}; no input_size up to {LARGEST_TRIED} would do")
    return DlcvError(f"{refused}; the smallest input_size that it can take is {size}")


def _reason(error: ValueError) -> str:
    """Returns what Keras says of the layer, without the call and what the layer received."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("Exception encountered", "Arguments"))]
    reason = (told or lines)[0].removeprefix("\x1b[1m").removesuffix("\x1b[0m")
    return reason.partition(". Received")[0].rstrip(".")


@contextmanager
def _policy(name: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
