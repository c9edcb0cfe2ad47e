"""The network of a run: one flat graph from raw pixels to probabilities."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from dlcv.data.pipeline import Pipeline
from dlcv.errors import DlcvError
from dlcv.interfaces import Architecture


def build_network(
    architecture: Architecture,
    pipeline: Pipeline,
    input_shape: tuple[int, int, int],
    classes: int,
    precision: str,
) -> keras.Model:
    """Returns input, value layers, features and classifier as one graph.

    Args:
        architecture: The network.
        pipeline: Its value steps become the first layers, in float32.
        input_shape: `(H, W, C)` of the images, which come as uint8, channels last.
        classes: The number of classes.
        precision: A Keras dtype policy's name.

    Raises:
        DlcvError: the network can't take that size.
    """
    with _policy(precision):
        inputs = x = keras.Input(input_shape, dtype="uint8", name="pixels")
        for step in pipeline.value_steps:
            x = step.as_layer()(x)
        if not pipeline.value_steps:
            x = keras.layers.Rescaling(1.0, dtype="float32", name="cast")(x)
        if keras.config.image_data_format() == "channels_first":
            x = keras.layers.Permute((3, 1, 2), dtype="float32", name="channels_first")(x)
        try:
            outputs = architecture.classify(architecture.features(x), classes)
        except ValueError as error:
            height, width, channels = input_shape
            raise DlcvError(
                f"{type(architecture).__name__} can't take images of {height} x {width} pixels "
                f"with {channels} channels ({_reason(error)}); another input_size may do"
            ) from error
        # Within the policy: a model of 16-bit floats scales its loss, or small gradients vanish.
        return keras.Model(inputs, outputs, name=type(architecture).__name__.lower())


def _reason(error: ValueError) -> str:
    """Returns the line of Keras's message that tells most: that of the layer, not of the call."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("Exception encountered", "Arguments"))]
    return (told or lines)[0].removeprefix("\x1b[1m").rstrip(".").removesuffix("\x1b[0m")


@contextmanager
def _policy(name: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
