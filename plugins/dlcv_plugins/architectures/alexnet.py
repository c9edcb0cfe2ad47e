"""AlexNet with batch normalization."""

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

CONVOLUTIONS = (
    # filters, size, strides, whether pooling and dropout follow
    (96, 11, 4, True),
    (256, 5, 1, True),
    (384, 3, 1, False),
    (384, 3, 1, False),
    (256, 3, 1, True),
)


@plugin
class AlexNet(Architecture):
    """Five convolutions and two wide dense layers, after Krizhevsky et al. (2012).

    The layers are those of Rosebrock (2017), chapter 10: one column, batch normalization after each
    ReLU instead of local response normalization, and an L2 penalty on all kernels.
    """

    default_size = (227, 227)

    l2: float = option(2e-4, help="factor of the L2 penalty on all kernels", ge=0)
    width: float = option(1.0, help="factor on the number of filters and units", gt=0)

    @property
    def preprocessors(self) -> str:
        """The source subtracts the mean of each channel."""
        return "mean"

    def features(self, x: "keras.KerasTensor") -> "keras.KerasTensor":
        """(Convolution, ReLU, BN) x 5; overlapping pooling and dropout after 1, 2 and 5."""
        from keras import layers

        for number, (filters, size, strides, pooled) in enumerate(CONVOLUTIONS, start=1):
            name = f"conv{number}"
            x = layers.Conv2D(
                scaled(filters, self.width),
                size,
                strides=strides,
                padding="same",
                kernel_regularizer=self._penalty(),
                name=name,
            )(x)
            x = layers.ReLU(name=f"{name}_relu")(x)
            x = layers.BatchNormalization(axis=channel_axis(), name=f"{name}_bn")(x)
            if pooled:
                x = layers.MaxPooling2D(3, strides=2, name=f"pool{number}")(x)
                x = layers.Dropout(0.25, name=f"pool{number}_dropout")(x)
        return x

    def classify(self, x: "keras.KerasTensor", classes: int) -> "keras.KerasTensor":
        """(Dense 4096, ReLU, BN, dropout 0.5) x 2, softmax."""
        from keras import layers

        x = flatten(x)
        for name in ("dense1", "dense2"):
            units = scaled(4096, self.width)
            x = layers.Dense(units, kernel_regularizer=self._penalty(), name=name)(x)
            x = layers.ReLU(name=f"{name}_relu")(x)
            x = layers.BatchNormalization(name=f"{name}_bn")(x)
            x = layers.Dropout(0.5, name=f"{name}_dropout")(x)
        return softmax_layer(classes, kernel_regularizer=self._penalty())(x)

    def _penalty(self) -> "keras.Regularizer | None":
        from keras import regularizers

        return regularizers.L2(self.l2) if self.l2 else None
