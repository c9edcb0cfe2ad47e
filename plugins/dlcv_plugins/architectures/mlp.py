"""A network without convolutions."""

from typing import TYPE_CHECKING

from dlcv.interfaces import Architecture, flatten, option, plugin, scaled

if TYPE_CHECKING:
    import keras


@plugin
class MLP(Architecture):
    """One hidden layer on the pixels: what a network without convolutions can do.

    A comparison on cats and dogs, where it did no better than guessing; the one output that it has
    there is `sigmoid_output(base=mlp)`.
    """

    units: int = option(256, help="units of the hidden layer", ge=1)
    width: float = option(1.0, help="factor on the number of units", gt=0)

    def features(self, x: "keras.KerasTensor") -> "keras.KerasTensor":
        """Flatten, dense, ReLU."""
        from keras import layers

        x = layers.Dense(scaled(self.units, self.width), name="dense1")(flatten(x))
        return layers.ReLU(name="dense1_relu")(x)
