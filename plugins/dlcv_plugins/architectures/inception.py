"""What the networks after GoogLeNet are built of: modules of convolutions side by side."""

from typing import TYPE_CHECKING, Literal

import attrs

from dlcv.interfaces import channel_axis, scaled

if TYPE_CHECKING:
    import keras


@attrs.frozen
class Convolutions:
    """Adds convolutions that are each normalized and activated.

    Attributes:
        width: A factor on the number of filters.
        l2: The factor of the L2 penalty on kernels.
        activation: Its name; `elu` in place of `relu` may score a little higher.
        normalise: Whether batch normalization stands before or after the activation.
    """

    width: float = 1.0
    l2: float = 0.0
    activation: Literal["relu", "elu"] = "relu"
    normalise: Literal["before", "after"] = "before"

    def add(
        self,
        x: "keras.KerasTensor",
        filters: int,
        size: int,
        name: str,
        *,
        strides: int = 1,
        padding: str = "same",
    ) -> "keras.KerasTensor":
        """Convolution, then BN and activation in their order."""
        from keras import layers

        x = layers.Conv2D(
            scaled(filters, self.width),
            size,
            strides=strides,
            padding=padding,
            kernel_regularizer=self.penalty(),
            name=name,
        )(x)
        bn = layers.BatchNormalization(axis=channel_axis(), name=f"{name}_bn")
        activation = layers.Activation(self.activation, name=f"{name}_{self.activation}")
        for layer in (bn, activation) if self.normalise == "before" else (activation, bn):
            x = layer(x)
        return x

    def penalty(self) -> "keras.Regularizer | None":
        """The penalty on kernels, None without one."""
        from keras import regularizers

        return regularizers.L2(self.l2) if self.l2 else None


def concatenate(branches: list["keras.KerasTensor"], name: str) -> "keras.KerasTensor":
    """Puts the channels of several branches one after the other."""
    from keras import layers

    return layers.Concatenate(axis=channel_axis(), name=name)(branches)
