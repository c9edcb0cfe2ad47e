"""ResNets for small images, and the two that the source trains."""

from typing import TYPE_CHECKING, Any, Literal

from dlcv.errors import DlcvError
from dlcv.interfaces import Architecture, flatten, option, plugin, scaled, softmax_layer
from dlcv_plugins.architectures.residual import Module, Modules, penalty

if TYPE_CHECKING:
    import keras


def _stages(default: tuple[int, ...]) -> Any:
    return option(default, help="number of modules in each stage", ge=1)


def _filters(default: tuple[int, ...]) -> Any:
    return option(default, help="filters of the stem, then of each stage", ge=4)


def _stem(default: str) -> Any:
    return option(
        default,
        help="plain: a 3 x 3 convolution, for 32 x 32 images; "
        "pooled: a 5 x 5 one and pooling that halves the image",
    )


def _pool_size(default: int | None) -> Any:
    return option(
        default,
        help="size of the average pooling before the softmax; the whole image if left out",
        ge=1,
    )


@plugin
class ResNet(Architecture):
    """A residual network of pre-activation bottleneck modules (He et al., 2016).

    The layers are those of Rosebrock (2017), chapter 12: batch normalization on the input, a stem,
    stages of modules that each halve the image but the first, and a pooled softmax. The default is
    small, for small images and a CPU. As printed there, the L2 penalty that is asked for reaches
    only the stem and the last layer, and the modules keep 1e-4: `module_l2=1e-4` does that.
    """

    stages: tuple[int, ...] = _stages((1, 1, 1))
    filters: tuple[int, ...] = _filters((16, 32, 64, 128))
    stem: Literal["plain", "pooled"] = _stem("pooled")
    pool_size: int | None = _pool_size(None)
    module: Module = option(
        "preactivation",
        help="preactivation: BN and ReLU before each convolution; "
        "bottleneck and basic: after it, the original modules of three and of two convolutions",
    )
    l2: float = option(1e-4, help="factor of the L2 penalty on all kernels", ge=0)
    module_l2: float | None = option(
        None, help="factor of the L2 penalty on the modules' kernels; l2 if left out", ge=0
    )
    width: float = option(1.0, help="factor on the number of filters", gt=0)

    def __attrs_post_init__(self) -> None:
        """Refuses filters that do not match the stages."""
        if len(self.filters) != len(self.stages) + 1:
            raise DlcvError(
                f"{type(self).__name__}: {len(self.stages)} stages need "
                f"{len(self.stages) + 1} numbers of filters (the stem's first), "
                f"not {len(self.filters)}"
            )

    def features(self, x: "keras.KerasTensor") -> "keras.KerasTensor":
        """Stem, stages of modules, average pooling."""
        from keras import layers

        stem, *widths = (scaled(f, self.width) for f in self.filters)
        x = self._stem(x, stem)
        modules = self._modules(self.l2 if self.module_l2 is None else self.module_l2)
        for stage, (count, filters) in enumerate(zip(self.stages, widths, strict=True), start=1):
            for block in range(1, count + 1):
                x = modules.add(
                    self.module,
                    x,
                    filters,
                    f"stage{stage}_block{block}",
                    strides=2 if block == 1 and stage > 1 else 1,
                    reduce=block == 1,
                )
        if self.module == "preactivation":
            x = modules.normalise_activate(x, "post_{}")
        if self.pool_size is None:
            return layers.GlobalAveragePooling2D(name="pool")(x)
        return layers.AveragePooling2D(self.pool_size, name="pool")(x)

    def classify(self, x: "keras.KerasTensor", classes: int) -> "keras.KerasTensor":
        """Softmax, with the L2 penalty."""
        return softmax_layer(classes, kernel_regularizer=penalty(self.l2))(flatten(x))

    def _stem(self, x: "keras.KerasTensor", filters: int) -> "keras.KerasTensor":
        from keras import layers

        modules = self._modules(self.l2)
        x = modules.normalise(x, "stem_input_bn")
        if self.stem == "plain":
            x = modules.convolve(x, filters, 3, "stem_conv")
            # A pre-activation module begins with BN and ReLU itself.
            is_activated = self.module == "preactivation"
            return x if is_activated else modules.normalise_activate(x, "stem_{}")
        x = modules.convolve(x, filters, 5, "stem_conv")
        x = modules.normalise_activate(x, "stem_{}")
        x = layers.ZeroPadding2D(1, name="stem_pad")(x)
        return layers.MaxPooling2D(3, strides=2, name="stem_pool")(x)

    def _modules(self, l2: float) -> Modules:
        return Modules(l2, epsilon=2e-5)


@plugin
class ResNet56(ResNet):
    """The residual network that Rosebrock (2017), chapter 12, trains on CIFAR-10's 32 x 32 images.

    Experiments 3 and 4 there are `resnet56(l2=5e-4, module_l2=1e-4)`; 1 and 2 have the filters
    `(16, 16, 32, 64)` and `(16, 64, 128, 256)`.
    """

    stages: tuple[int, ...] = _stages((9, 9, 9))
    filters: tuple[int, ...] = _filters((64, 64, 128, 256))
    stem: Literal["plain", "pooled"] = _stem("plain")
    pool_size: int | None = _pool_size(8)

    @property
    def preprocessors(self) -> str:
        """The source subtracts a mean image."""
        return "mean(per=pixel)"


@plugin
class ResNetTinyImageNet(ResNet):
    """The residual network that Rosebrock (2017), chapter 12, trains on Tiny ImageNet, 64 x 64.

    Both experiments there are `resnet_tiny_imagenet(l2=5e-4, module_l2=1e-4)`.
    """

    default_size = (64, 64)

    stages: tuple[int, ...] = _stages((3, 4, 6))
    filters: tuple[int, ...] = _filters((64, 128, 256, 512))
    pool_size: int | None = _pool_size(8)

    @property
    def preprocessors(self) -> str:
        """The source subtracts the mean of each channel."""
        return "mean"
