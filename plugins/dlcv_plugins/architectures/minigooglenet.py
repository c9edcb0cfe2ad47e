"""MiniGoogLeNet, a small network of inception modules."""

from typing import TYPE_CHECKING, Literal

from dlcv.interfaces import Architecture, flatten, option, plugin, softmax_layer
from dlcv_plugins.architectures.inception import Convolutions, concatenate

if TYPE_CHECKING:
    import keras

MODULES = {
    # by stage: 1 x 1 and 3 x 3 filters of each module, and those of the downsampling after them
    1: ([(32, 32), (32, 48)], 80),
    2: ([(112, 48), (96, 64), (80, 80), (48, 96)], 96),
    3: ([(176, 160), (176, 160)], None),
}


@plugin
class MiniGoogLeNet(Architecture):
    """Inception modules of two branches, for 32 x 32 images, after Zhang et al. (2017).

    The layers are those of Rosebrock (2017), chapter 11, which uses no weight decay and suggests to
    try some, and batch normalization after the activation.
    """

    width: float = option(1.0, help="factor on the number of filters", gt=0)
    l2: float = option(0.0, help="factor of the L2 penalty on kernels", ge=0)
    normalise: Literal["before", "after"] = option(
        "before", help="whether batch normalization stands before or after the activation"
    )

    @property
    def preprocessors(self) -> str:
        """The source subtracts a mean image."""
        return "mean(per=pixel)"

    def features(self, x: "keras.KerasTensor") -> "keras.KerasTensor":
        """A convolution, three stages of modules, average pooling 7 x 7, dropout 0.5."""
        from keras import layers

        convolutions = Convolutions(self.width, self.l2, normalise=self.normalise)
        x = convolutions.add(x, 96, 3, "conv1")
        for stage, (modules, downsampling) in MODULES.items():
            for block, (small, large) in enumerate(modules, start=1):
                name = f"stage{stage}_block{block}"
                left = convolutions.add(x, small, 1, f"{name}_1x1")
                right = convolutions.add(x, large, 3, f"{name}_3x3")
                x = concatenate([left, right], f"{name}_concat")
            if downsampling:
                x = _downsample(x, downsampling, f"stage{stage}_downsample", convolutions)
        x = layers.AveragePooling2D(7, name="pool")(x)
        return layers.Dropout(0.5, name="pool_dropout")(x)

    def classify(self, x: "keras.KerasTensor", classes: int) -> "keras.KerasTensor":
        """Softmax, with the L2 penalty."""
        penalty = Convolutions(self.width, self.l2).penalty()
        return softmax_layer(classes, kernel_regularizer=penalty)(flatten(x))


def _downsample(
    x: "keras.KerasTensor", filters: int, name: str, convolutions: Convolutions
) -> "keras.KerasTensor":
    """A convolution of stride 2 beside max-pooling; both without padding."""
    from keras import layers

    left = convolutions.add(x, filters, 3, f"{name}_3x3", strides=2, padding="valid")
    right = layers.MaxPooling2D(3, strides=2, name=f"{name}_pool")(x)
    return concatenate([left, right], f"{name}_concat")
