"""MiniVGGNet, a small network in the style of VGG."""

from typing import TYPE_CHECKING

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
class MiniVGGNet(Architecture):
    """Two blocks of two 3 x 3 convolutions, after VGG, with batch normalization and dropout."""

    width: float = option(1.0, help="factor on the number of filters and units", gt=0)

    def features(self, x: "keras.KerasTensor") -> "keras.KerasTensor":
        """((Convolution 3 x 3, ReLU, BN) x 2, pooling 2, dropout 0.25) with 32, then 64 filters."""
        from keras import layers

        for block, filters in enumerate((32, 64), start=1):
            for number in (1, 2):
                name = f"block{block}_conv{number}"
                x = layers.Conv2D(scaled(filters, self.width), 3, padding="same", name=name)(x)
                x = layers.ReLU(name=f"{name}_relu")(x)
                x = layers.BatchNormalization(axis=channel_axis(), name=f"{name}_bn")(x)
            x = layers.MaxPooling2D(2, name=f"block{block}_pool")(x)
            x = layers.Dropout(0.25, name=f"block{block}_dropout")(x)
        return x

    def classify(self, x: "keras.KerasTensor", classes: int) -> "keras.KerasTensor":
        """Dense 512, ReLU, BN, dropout 0.5, softmax."""
        from keras import layers

        x = layers.Dense(scaled(512, self.width), name="dense1")(flatten(x))
        x = layers.ReLU(name="dense1_relu")(x)
        x = layers.BatchNormalization(name="dense1_bn")(x)
        x = layers.Dropout(0.5, name="dense1_dropout")(x)
        return softmax_layer(classes)(x)
