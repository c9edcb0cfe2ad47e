"""ConvMixer: a network that mixes patches by convolutions alone."""

from typing import TYPE_CHECKING, Literal

from dlcv.interfaces import Architecture, channel_axis, option, plugin, softmax_layer

if TYPE_CHECKING:
    import keras


@plugin
class ConvMixer(Architecture):
    """Mixes patches of an image, in space and then across channels, at one size throughout.

    Trockman & Kolter, "Patches Are All You Need?", Transactions on Machine Learning Research, 2023
    (arXiv 2201.09792, 2022). The networks of its tables:

    - ConvMixer-1536/20: `convmixer(width=1536, depth=20, kernel=9, patch=7)`
    - ConvMixer-768/32: `convmixer(width=768, depth=32, kernel=7, patch=7, activation=relu)`
    """

    width: int = option(256, help="channels of every block, h in the paper", ge=1)
    depth: int = option(8, help="number of blocks", ge=1)
    kernel: int = option(5, help="size of the convolutions in space, in patches", ge=1)
    patch: int = option(2, help="size of a patch, in pixels", ge=1)
    activation: Literal["gelu", "relu"] = option("gelu", help="activation before each norm")

    def features(self, x: "keras.KerasTensor") -> "keras.KerasTensor":
        """Patches as channels, then blocks of a depthwise and a pointwise convolution."""
        from keras import layers

        x = layers.Conv2D(self.width, self.patch, strides=self.patch, name="patches")(x)
        x = self._activated(x, "patches")
        for number in range(1, self.depth + 1):
            name = f"block{number}"
            mixed = layers.DepthwiseConv2D(self.kernel, padding="same", name=f"{name}_space")(x)
            mixed = self._activated(mixed, f"{name}_space")
            x = layers.Add(name=f"{name}_add")([x, mixed])
            x = layers.Conv2D(self.width, 1, name=f"{name}_channels")(x)
            x = self._activated(x, f"{name}_channels")
        return layers.GlobalAveragePooling2D(name="pool")(x)

    def classify(self, x: "keras.KerasTensor", classes: int) -> "keras.KerasTensor":
        """A softmax of the mean of all patches."""
        return softmax_layer(classes)(x)

    def _activated(self, x: "keras.KerasTensor", name: str) -> "keras.KerasTensor":
        from keras import layers

        x = layers.Activation(self.activation, name=f"{name}_{self.activation}")(x)
        return layers.BatchNormalization(axis=channel_axis(), name=f"{name}_norm")(x)
