"""A plain convolutional network of any depth."""

from typing import TYPE_CHECKING

from dlcv.interfaces import Architecture, flatten, option, plugin, scaled, softmax_layer

if TYPE_CHECKING:
    import keras


@plugin
class CNN(Architecture):
    """Convolutions of 3 x 3, each with ReLU and pooling, then dense layers.

    A comparison on cats and dogs has `filters=(24,)`, `(48, 48)`, `(128, 128)`, and `(64, 128)`
    with `units=(512, 512)`; the one output that it has there is `sigmoid_output(base=cnn)`.
    """

    filters: tuple[int, ...] = option((48, 48), help="filters of each convolution", ge=1)
    units: tuple[int, ...] = option((256, 256), help="units of each hidden dense layer", ge=1)
    width: float = option(1.0, help="factor on the number of filters and units", gt=0)

    def features(self, x: "keras.KerasTensor") -> "keras.KerasTensor":
        """(Convolution 3 x 3, ReLU, pooling 2), once for each number of filters."""
        from keras import layers

        for number, filters in enumerate(self.filters, start=1):
            name = f"conv{number}"
            x = layers.Conv2D(scaled(filters, self.width), 3, padding="same", name=name)(x)
            x = layers.ReLU(name=f"{name}_relu")(x)
            x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
        return x

    def classify(self, x: "keras.KerasTensor", classes: int) -> "keras.KerasTensor":
        """(Dense, ReLU), once for each number of units, softmax."""
        from keras import layers

        x = flatten(x)
        for number, units in enumerate(self.units, start=1):
            x = layers.Dense(scaled(units, self.width), name=f"dense{number}")(x)
            x = layers.ReLU(name=f"dense{number}_relu")(x)
        return softmax_layer(classes)(x)
