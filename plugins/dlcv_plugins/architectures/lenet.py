"""LeNet with ReLU."""

from typing import TYPE_CHECKING

from dlcv.interfaces import Architecture, flatten, option, plugin, scaled, softmax_layer

if TYPE_CHECKING:
    import keras


@plugin
class LeNet(Architecture):
    """Two convolutions of 5 x 5 with pooling, after LeCun et al. (1998), with ReLU."""

    default_size = (28, 28)

    width: float = option(1.0, help="factor on the number of filters and units", gt=0)

    def features(self, x: "keras.KerasTensor") -> "keras.KerasTensor":
        """(Convolution 5 x 5, ReLU, max-pooling 2) with 20, then 50 filters."""
        from keras import layers

        for number, filters in enumerate((20, 50), start=1):
            name = f"conv{number}"
            x = layers.Conv2D(scaled(filters, self.width), 5, padding="same", name=name)(x)
            x = layers.ReLU(name=f"{name}_relu")(x)
            x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
        return x

    def classify(self, x: "keras.KerasTensor", classes: int) -> "keras.KerasTensor":
        """Dense 500, ReLU, softmax."""
        from keras import layers

        x = layers.Dense(scaled(500, self.width), name="dense1")(flatten(x))
        x = layers.ReLU(name="dense1_relu")(x)
        return softmax_layer(classes)(x)
