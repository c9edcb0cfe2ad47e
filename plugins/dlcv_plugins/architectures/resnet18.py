"""The two small ResNets of the ImageNet family; the larger ones come with Keras."""

from typing import TYPE_CHECKING, ClassVar

from dlcv.interfaces import Architecture, option, plugin, scaled, softmax_layer
from dlcv_plugins.architectures.residual import Modules, penalty

if TYPE_CHECKING:
    import keras


@plugin
class ResNet18(Architecture):
    """The residual network of 18 layers for 224 x 224 images (He et al., 2015), to start with."""

    default_size = (224, 224)
    stages: ClassVar[tuple[int, ...]] = (2, 2, 2, 2)

    l2: float = option(1e-4, help="factor of the L2 penalty on all kernels", ge=0)
    width: float = option(1.0, help="factor on the number of filters", gt=0)

    def features(self, x: "keras.KerasTensor") -> "keras.KerasTensor":
        """Convolution 7 x 7, pooling, four stages of 64 to 512 filters, global average pooling."""
        from keras import layers

        modules = Modules(self.l2)
        x = modules.convolve(x, scaled(64, self.width), 7, "stem_conv", 2)
        x = modules.normalise_activate(x, "stem_{}")
        x = layers.ZeroPadding2D(1, name="stem_pad")(x)
        x = layers.MaxPooling2D(3, strides=2, name="stem_pool")(x)
        for stage, count in enumerate(self.stages, start=1):
            filters = scaled(64 * 2 ** (stage - 1), self.width)
            for block in range(1, count + 1):
                halves = block == 1 and stage > 1
                x = modules.add(
                    "basic",
                    x,
                    filters,
                    f"stage{stage}_block{block}",
                    strides=2 if halves else 1,
                    reduce=halves,
                )
        return layers.GlobalAveragePooling2D(name="pool")(x)

    def classify(self, x: "keras.KerasTensor", classes: int) -> "keras.KerasTensor":
        """Softmax, with the L2 penalty."""
        return softmax_layer(classes, kernel_regularizer=penalty(self.l2))(x)


@plugin
class ResNet34(ResNet18):
    """The residual network of 34 layers for 224 x 224 images (He et al., 2015)."""

    stages: ClassVar[tuple[int, ...]] = (3, 4, 6, 3)
