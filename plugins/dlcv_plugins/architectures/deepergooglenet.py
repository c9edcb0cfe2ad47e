"""DeeperGoogLeNet, a GoogLeNet for 64 x 64 images."""

from typing import TYPE_CHECKING, Literal

from dlcv.interfaces import Architecture, flatten, option, plugin, softmax_layer
from dlcv_plugins.architectures.inception import Convolutions, concatenate

if TYPE_CHECKING:
    import keras

STAGE3 = {
    # 1 x 1; 3 x 3 reduce, 3 x 3; 5 x 5 reduce, 5 x 5; pool projection
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
}
STAGE4 = {
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
}


@plugin
class DeeperGoogLeNet(Architecture):
    """Inception modules of four branches for 64 x 64 images, after Szegedy et al. (2014).

    The layers are those of Rosebrock (2017), chapter 11. Its experiments 1 and 2 are without the
    modules 4a to 4e; batch normalization after the activation and ELU are suggested there.
    """

    default_size = (64, 64)

    stage4: bool = option(True, help="whether the modules 4a to 4e are there")
    normalise: Literal["before", "after"] = option(
        "before", help="batch normalization before or after each activation"
    )
    activation: Literal["relu", "elu"] = option("relu", help="the activation")
    l2: float = option(5e-4, help="factor of the L2 penalty on all kernels", ge=0)
    width: float = option(1.0, help="factor on the number of filters", gt=0)

    @property
    def preprocessors(self) -> str:
        """The source subtracts the mean of each channel."""
        return "mean"

    def features(self, x: "keras.KerasTensor") -> "keras.KerasTensor":
        """Three convolutions, modules 3a to 4e, average pooling 4 x 4, dropout 0.4."""
        from keras import layers

        add = self._convolutions().add
        x = _halve(add(x, 64, 5, "conv1"), "pool1")
        x = add(x, 64, 1, "conv2_reduce")
        x = _halve(add(x, 192, 3, "conv2"), "pool2")
        for name, filters in STAGE3.items():
            x = self._module(x, filters, f"inception{name}")
        x = _halve(x, "pool3")
        for name, filters in STAGE4.items() if self.stage4 else ():
            x = self._module(x, filters, f"inception{name}")
        x = _halve(x, "pool4")
        x = layers.AveragePooling2D(4, name="pool5")(x)
        return layers.Dropout(0.4, name="pool5_dropout")(x)

    def classify(self, x: "keras.KerasTensor", classes: int) -> "keras.KerasTensor":
        """Softmax, with the L2 penalty."""
        penalty = self._convolutions().penalty()
        return softmax_layer(classes, kernel_regularizer=penalty)(flatten(x))

    def _module(
        self, x: "keras.KerasTensor", filters: tuple[int, ...], name: str
    ) -> "keras.KerasTensor":
        from keras import layers

        single, reduce3, size3, reduce5, size5, projection = filters
        add = self._convolutions().add
        first = add(x, single, 1, f"{name}_1x1")
        second = add(x, reduce3, 1, f"{name}_3x3_reduce")
        second = add(second, size3, 3, f"{name}_3x3")
        third = add(x, reduce5, 1, f"{name}_5x5_reduce")
        third = add(third, size5, 5, f"{name}_5x5")
        fourth = layers.MaxPooling2D(3, strides=1, padding="same", name=f"{name}_pool")(x)
        fourth = add(fourth, projection, 1, f"{name}_pool_project")
        return concatenate([first, second, third, fourth], f"{name}_concat")

    def _convolutions(self) -> Convolutions:
        return Convolutions(self.width, self.l2, self.activation, self.normalise)


def _halve(x: "keras.KerasTensor", name: str) -> "keras.KerasTensor":
    from keras import layers

    return layers.MaxPooling2D(3, strides=2, padding="same", name=name)(x)
