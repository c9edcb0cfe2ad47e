"""A network that learns CIFAR-10 in few epochs."""

from typing import TYPE_CHECKING, Literal

from dlcv.interfaces import Architecture, channel_axis, option, plugin, scaled, softmax_layer

if TYPE_CHECKING:
    import keras


@plugin
class Airbench(Architecture):
    """Blocks of two convolutions that begin as the identity: "airbench94" (Jordan 2024).

    It is made for `whiten`, whose values it begins with an activation of. Without the frozen
    convolution that is there, it has 1,973,632 parameters for CIFAR-10. Its activation is GELU in
    the paper; SiLU takes less time in Keras.
    """

    filters: tuple[int, ...] = option((64, 256, 256), help="filters of each block", ge=1)
    activation: Literal["silu", "gelu", "relu"] = option("silu", help="Keras's activation")
    scale: float = option(1 / 9, help="what the features are multiplied with, at the end", gt=0)
    width: float = option(1.0, help="factor on the number of filters", gt=0)

    @property
    def preprocessors(self) -> str:
        """Whitened patches."""
        return "whiten"

    def features(self, x: "keras.KerasTensor") -> "keras.KerasTensor":
        """Activation, (conv, pooling 2, BN, activation, conv, BN, activation) x 3, pooling."""
        from keras import layers

        x = layers.Activation(self.activation, name="activation")(x)
        for block, filters in enumerate(self.filters, start=1):
            for number in (1, 2):
                name = f"block{block}_conv{number}"
                x = _convolution(x, scaled(filters, self.width), name)
                if number == 1:
                    x = layers.MaxPooling2D(2, name=f"block{block}_pool")(x)
                x = layers.BatchNormalization(
                    axis=channel_axis(), momentum=0.6, epsilon=1e-12, scale=False, name=f"{name}_bn"
                )(x)
                x = layers.Activation(self.activation, name=f"{name}_activation")(x)
        return layers.GlobalMaxPooling2D(name="pool")(x)

    def classify(self, x: "keras.KerasTensor", classes: int) -> "keras.KerasTensor":
        """Features times `scale`, softmax without bias."""
        from keras import layers

        x = layers.Rescaling(self.scale, name="scaled")(x)
        return softmax_layer(classes, use_bias=False, kernel_initializer=_even())(x)


def _convolution(x: "keras.KerasTensor", filters: int, name: str) -> "keras.KerasTensor":
    """Adds a convolution 3 x 3 whose first filters give their inputs, as long as there are any."""
    import numpy as np
    from keras import layers, ops

    layer = layers.Conv2D(
        filters, 3, padding="same", use_bias=False, kernel_initializer=_even(), name=name
    )
    outputs = layer(x)
    kernel = np.array(ops.convert_to_numpy(layer.kernel))
    count = min(kernel.shape[2:])
    kernel[..., :count] = 0
    kernel[1, 1, np.arange(count), np.arange(count)] = 1
    layer.kernel.assign(kernel)
    return outputs


def _even() -> "keras.Initializer":
    """Returns the initial weights that PyTorch takes: evenly within `1 / sqrt(inputs)`."""
    import keras

    return keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
