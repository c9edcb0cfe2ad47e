"""The network of a lecture on CIFAR-10, in three variants."""

from typing import TYPE_CHECKING, Literal

from dlcv.interfaces import (
    Architecture,
    channel_axis,
    flatten,
    option,
    plugin,
    scaled,
    softmax_layer,
)

if TYPE_CHECKING:
    import keras


@plugin
class LectureCNN(Architecture):
    """Three blocks of two linear 3 x 3 convolutions, for 32 x 32 images, from a lecture on CNNs.

    `dropout` drops a fifth after the first two poolings and both hidden dense layers, and doubles
    the filters of the last block; `batch_normalised` is that, with batch normalization after each
    block's second convolution.
    """

    variant: Literal["plain", "dropout", "batch_normalised"] = option(
        "plain", help="which of the lecture's three networks"
    )
    width: float = option(1.0, help="factor on the number of filters and units", gt=0)

    def features(self, x: "keras.KerasTensor") -> "keras.KerasTensor":
        """((Convolution 3 x 3) x 2, pooling 2) x 3; the convolutions have no activation."""
        from keras import layers

        last = 128 if self.variant == "plain" else 256
        for block, filters in enumerate((32, 64, last), start=1):
            name = f"block{block}"
            for number in (1, 2):
                count = scaled(filters, self.width)
                x = layers.Conv2D(count, 3, padding="same", name=f"{name}_conv{number}")(x)
            if self.variant == "batch_normalised":
                x = layers.BatchNormalization(axis=channel_axis(), name=f"{name}_bn")(x)
            x = layers.MaxPooling2D(2, name=f"{name}_pool")(x)
            if block < 3:
                x = self._drop(x, f"{name}_dropout")
        return x

    def classify(self, x: "keras.KerasTensor", classes: int) -> "keras.KerasTensor":
        """Dense 128 and 64 with ReLU, softmax."""
        from keras import layers

        x = flatten(x)
        for number, units in enumerate((128, 64), start=1):
            name = f"dense{number}"
            x = layers.Dense(scaled(units, self.width), name=name)(x)
            x = layers.ReLU(name=f"{name}_relu")(x)
            x = self._drop(x, f"{name}_dropout")
        return softmax_layer(classes)(x)

    def _drop(self, x: "keras.KerasTensor", name: str) -> "keras.KerasTensor":
        from keras import layers

        return x if self.variant == "plain" else layers.Dropout(0.2, name=name)(x)
