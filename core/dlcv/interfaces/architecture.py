"""Architectures: Keras networks from options."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from dlcv.errors import DlcvError
from dlcv.interfaces.base import Plugin, plugin

if TYPE_CHECKING:
    import keras
    import numpy as np


@plugin
class Architecture(Plugin, ABC):
    """A network: features first, then a classifier on them."""

    kind: ClassVar[str] = "architecture"

    @property
    def default_size(self) -> tuple[int, int]:
        """`(height, width)` of the input where nothing else decides; a class may just set it."""
        return (32, 32)

    @property
    def preprocessors(self) -> str:
        """The value steps that the network wants, as text, where nothing else decides.

        A step that resizes may go before, where the network takes images of its own size only.

        `auto` stands for those that the installed packages choose for networks in general.
        """
        return "auto"

    def prepare(self) -> Self:
        """Returns a copy with what a run has to keep filled in, such as what a file says.

        It is called once, when a new run begins. By default nothing is left open.

        Raises:
            DlcvError: it can't be had; the message says where to get it.
        """
        return self

    @abstractmethod
    def features(self, x: "keras.KerasTensor") -> "keras.KerasTensor":
        """Adds the body: from float32 images `(N, H, W, C)` to features."""

    def classify(self, x: "keras.KerasTensor", classes: int) -> "keras.KerasTensor":
        """Adds the classifier: from features to probabilities `(N, classes)`, float32."""
        return softmax_layer(classes)(flatten(x))

    def load_pretrained(self, network: "keras.Model") -> None:
        """Gives the layers of this architecture the weights that its options name.

        It is called once, when a new run begins; later the weights are in the run's checkpoints.
        By default there are none to load.

        Args:
            network: A network that holds this architecture's layers by name, among others.

        Raises:
            DlcvError: the weights can't be had, or do not fit; the message names the layer.
        """

    def read_weights(self, path: Path) -> "dict[str, list[np.ndarray]]":
        """Reads a weight file of another library, for networks that map its names to their layers.

        It is called for files that neither Keras nor dlcv wrote. By default all are refused.

        Args:
            path: The file.

        Returns:
            For each layer, by its name here, its arrays in Keras's order and shapes.

        Raises:
            DlcvError: the network can't read such files, or this one is damaged or another's.
        """
        raise DlcvError(
            f"{path}: {type(self).__name__} reads only weights of runs and of Keras "
            "(.weights.h5, .keras)"
        )

    def build(self, input_shape: tuple[int, int, int], classes: int) -> "keras.Model":
        """Returns the whole network for float32 images of `(H, W, C)`."""
        import keras

        inputs = keras.Input(input_shape, name="images")
        return keras.Model(inputs, self.classify(self.features(inputs), classes))

    def body(self, input_shape: tuple[int, int, int]) -> "keras.Model":
        """Returns the network without its classifier, for float32 images of `(H, W, C)`."""
        import keras

        inputs = keras.Input(input_shape, name="images")
        return keras.Model(inputs, self.features(inputs), name=type(self).__name__.lower())


def flatten(x: "keras.KerasTensor") -> "keras.KerasTensor":
    """Adds a layer that flattens each sample, unless it is flat already."""
    from keras import layers

    return x if len(x.shape) == 2 else layers.Flatten(name="flatten")(x)


def softmax_layer(classes: int, **options: object) -> "keras.Layer":
    """Returns the dense layer that ends a network; float32, whatever the precision of the rest.

    Args:
        classes: The number of classes.
        options: Further options of `keras.layers.Dense`, such as `kernel_regularizer`.
    """
    from keras import layers

    return layers.Dense(
        classes, activation="softmax", dtype="float32", name="predictions", **options
    )


def channel_axis() -> int:
    """Returns the axis of the channels in a batch of images, as Keras is configured."""
    import keras

    return -1 if keras.config.image_data_format() == "channels_last" else 1


def scaled(count: int, width: float) -> int:
    """Returns a number of filters or units times a `width` factor, rounded, at least 1."""
    return max(1, round(count * width))


def single_layers(layers: "Iterable[keras.Layer]") -> "Iterator[keras.Layer]":
    """Yields layers one by one, those of a network within the network in its place."""
    import keras

    for layer in layers:
        if isinstance(layer, keras.Model):
            yield from single_layers(layer.layers)
        else:
            yield layer


def weights_of(layer: "keras.Layer") -> list[Any]:
    """Returns a layer's weights as files have them: without counters."""
    return [w for w in layer.weights if "int" not in str(w.dtype)]


def assign(variables: Iterable[Any], arrays: Iterable[Any]) -> None:
    """Gives variables the values of arrays of the same shapes, in memory or in a file."""
    import numpy as np

    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(np.asarray(array))
