"""Classifiers for the body of another network."""

from pathlib import Path
from typing import TYPE_CHECKING, Self

from dlcv.errors import DlcvError, suggestion
from dlcv.interfaces import (
    Architecture,
    channel_axis,
    evolve,
    option,
    plugin,
    softmax_layer,
)
from dlcv_plugins.weights.loading import copy_weights, load_weights

if TYPE_CHECKING:
    import keras
    import numpy as np


@plugin
class Head(Architecture):
    """A classifier of its own on the body of another network, its base.

    The layers of the body keep their names; those of the head begin with `head_`, but for the last,
    `predictions`.
    """

    base: Architecture = option(help="the network whose body is used, with its options")
    weights: Path | None = option(
        None, help="a file or run with weights of the body, trained by dlcv or Keras"
    )

    def __attrs_post_init__(self) -> None:
        """Refuses a head as a base."""
        if isinstance(self.base, Head):
            raise DlcvError(
                f"{type(self).__name__}: the base is a head itself ({type(self.base).__name__}); "
                "name the network below it"
            )

    @property
    def default_size(self) -> tuple[int, int]:
        """That of the base."""
        return self.base.default_size

    @property
    def preprocessors(self) -> str:
        """Those of the base."""
        return self.base.preprocessors

    def prepare(self) -> Self:
        """Fills in what the base leaves open."""
        return evolve(self, base=self.base.prepare())

    def features(self, x: "keras.KerasTensor") -> "keras.KerasTensor":
        """The body of the base; raises `DlcvError` if it has none."""
        features = self.base.features(x)
        if features is x:
            raise DlcvError(
                f"{type(self).__name__} needs a network with a body, and {self.base} has no layer "
                "before its classifier"
            )
        return features

    def read_weights(self, path: Path) -> "dict[str, list[np.ndarray]]":
        """Reads what the base reads; the classifier of the file is left out."""
        return {k: v for k, v in self.base.read_weights(path).items() if k != "predictions"}

    def load_pretrained(self, network: "keras.Model") -> None:
        """Loads what the base names, and then the weights of the body."""
        import keras

        self.base.load_pretrained(network)
        if self.weights is None:
            return
        size = self.default_size
        with keras.StatelessScope(initialize_variables=False):
            named = self.base.body((*size, 3) if channel_axis() == -1 else (3, *size))
        # A dense body has other weights for other sizes.
        body = self.base.body(network.get_layer(named.layers[1].name).input.shape[1:])
        load_weights(body, self.weights, read=self.base.read_weights)
        copy_weights(body, network)


@plugin
class FCHead(Head):
    """Flatten, one dense layer with ReLU and dropout, on the body of another network.

    The head with which Rosebrock (2017), chapter 5, fine-tunes VGG16. With little data and few
    classes 132 to 512 units are advised, and 1024 or more where accuracy does not satisfy.
    """

    units: int = option(256, help="width of the dense layer", ge=1)
    dropout: float = option(0.5, help="share of its units that are dropped", ge=0, lt=1)

    def classify(self, x: "keras.KerasTensor", classes: int) -> "keras.KerasTensor":
        """Flatten, dense, ReLU, dropout, softmax."""
        from keras import layers

        x = layers.Flatten(name="head_flatten")(x)
        x = _dense(x, self.units, self.dropout, "head_dense1")
        return softmax_layer(classes)(x)


@plugin
class GAPHead(Head):
    """Global average pooling and two dense layers with dropout, on the body of another network.

    The head with which a lecture on CNNs fine-tunes VGG16 on CIFAR-10.
    """

    units: tuple[int, ...] = option((128, 64), help="width of each dense layer", ge=1)
    dropout: float = option(0.2, help="share of their units that are dropped", ge=0, lt=1)

    def classify(self, x: "keras.KerasTensor", classes: int) -> "keras.KerasTensor":
        """Pooling unless the body ends with it, (dense, ReLU, dropout) x 2, softmax."""
        from keras import layers

        if len(x.shape) == 4:
            x = layers.GlobalAveragePooling2D(name="head_pool")(x)
        for number, units in enumerate(self.units, start=1):
            x = _dense(x, units, self.dropout, f"head_dense{number}")
        return softmax_layer(classes)(x)


@plugin
class LinearHead(Head):
    """A softmax on the body of another network, or on one of its layers: nothing between the two.

    The head of `dlcv transfer`, where a classifier is fitted to the body's features of each image.
    Rosebrock (2017), chapter 3, cuts VGG16 after its last pooling; any layer can be the cut.
    """

    layer: str | None = option(
        None, help="the layer whose output is classified; the last of the body if left out"
    )

    def __attrs_post_init__(self) -> None:
        """Takes any base: the cut may lie in the classifier of another head."""

    def features(self, x: "keras.KerasTensor") -> "keras.KerasTensor":
        """The base up to the layer; raises `DlcvError` if it has no such layer."""
        import keras

        if self.layer is None:
            return super().features(x)
        outputs = self.base.classify(self.base.features(x), 2)
        layers = {layer.name: layer for layer in keras.Function(x, outputs).operations[:-1]}
        if self.layer not in layers:
            hint = suggestion(self.layer, layers) or f"; the last that can be is {[*layers][-1]}"
            raise DlcvError(f'layer: {self.base} has no layer "{self.layer}" to cut at{hint}')
        return layers[self.layer].output

    def classify(self, x: "keras.KerasTensor", classes: int) -> "keras.KerasTensor":
        """Flatten, softmax."""
        from keras import layers

        x = x if len(x.shape) == 2 else layers.Flatten(name="head_flatten")(x)
        return softmax_layer(classes)(x)


def _dense(x: "keras.KerasTensor", units: int, dropout: float, name: str) -> "keras.KerasTensor":
    from keras import layers

    x = layers.Dense(units, name=name)(x)
    x = layers.ReLU(name=f"{name}_relu")(x)
    return layers.Dropout(dropout, name=f"{name}_dropout")(x)
