"""ResNet with pre-activation bottleneck modules, for small images."""

from typing import TYPE_CHECKING, Literal

from dlcv.errors import DlcvError
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
class ResNet(Architecture):
    """A residual network of pre-activation bottleneck modules (He et al., 2016).

    The layers are those of Rosebrock (2017), chapter 12: batch normalisation on the input, a stem,
    stages of modules that each halve the image but the first, and a pooled softmax. The default is
    small, for small images and a CPU.
    """

    stages: tuple[int, ...] = option((1, 1, 1), help="number of modules in each stage", ge=1)
    filters: tuple[int, ...] = option(
        (16, 32, 64, 128), help="filters of the stem, then of each stage", ge=4
    )
    stem: Literal["plain", "pooled"] = option(
        "pooled",
        help="plain: a 3 x 3 convolution, for 32 x 32 images; "
        "pooled: a 5 x 5 one and pooling that halves the image",
    )
    pool_size: int | None = option(
        None,
        help="size of the average pooling before the softmax; the whole image if left out",
        ge=1,
    )
    l2: float = option(5e-4, help="factor of the L2 penalty on all kernels", ge=0)
    width: float = option(1.0, help="factor on the number of filters", gt=0)

    def __attrs_post_init__(self) -> None:
        """Refuses filters that do not match the stages."""
        if len(self.filters) != len(self.stages) + 1:
            raise DlcvError(
                f"resnet: {len(self.stages)} stages need {len(self.stages) + 1} numbers of filters "
                f"(the stem's first), not {len(self.filters)}"
            )

    def features(self, x: "keras.KerasTensor") -> "keras.KerasTensor":
        """Stem, stages of bottleneck modules, BN, ReLU, average pooling."""
        from keras import layers

        stem, *widths = (scaled(f, self.width) for f in self.filters)
        x = _normalise("stem_input_bn")(x)
        x = self._stem(x, stem)
        for stage, (modules, filters) in enumerate(zip(self.stages, widths, strict=True), start=1):
            for block in range(1, modules + 1):
                strides = 2 if block == 1 and stage > 1 else 1
                name = f"stage{stage}_block{block}"
                x = self._module(x, filters, strides, name, reduce=block == 1)
        x = layers.ReLU(name="post_relu")(_normalise("post_bn")(x))
        if self.pool_size is None:
            return layers.GlobalAveragePooling2D(name="pool")(x)
        return layers.AveragePooling2D(self.pool_size, name="pool")(x)

    def classify(self, x: "keras.KerasTensor", classes: int) -> "keras.KerasTensor":
        """Softmax, with the L2 penalty."""
        return softmax_layer(classes, kernel_regularizer=self._penalty())(flatten(x))

    def _stem(self, x: "keras.KerasTensor", filters: int) -> "keras.KerasTensor":
        from keras import layers

        if self.stem == "plain":
            return self._convolution(filters, 3, "stem_conv")(x)
        x = self._convolution(filters, 5, "stem_conv")(x)
        x = layers.ReLU(name="stem_relu")(_normalise("stem_bn")(x))
        x = layers.ZeroPadding2D(1, name="stem_pad")(x)
        return layers.MaxPooling2D(3, strides=2, name="stem_pool")(x)

    def _module(
        self, x: "keras.KerasTensor", filters: int, strides: int, name: str, *, reduce: bool
    ) -> "keras.KerasTensor":
        """A bottleneck: 1 x 1 to a quarter of the filters, 3 x 3, 1 x 1 back, and the shortcut."""
        from keras import layers

        quarter = max(1, filters // 4)
        first = layers.ReLU(name=f"{name}_relu1")(_normalise(f"{name}_bn1")(x))
        shortcut = x
        if reduce:
            shortcut = self._convolution(filters, 1, f"{name}_shortcut", strides)(first)
        y = self._convolution(quarter, 1, f"{name}_conv1")(first)
        y = layers.ReLU(name=f"{name}_relu2")(_normalise(f"{name}_bn2")(y))
        y = self._convolution(quarter, 3, f"{name}_conv2", strides)(y)
        y = layers.ReLU(name=f"{name}_relu3")(_normalise(f"{name}_bn3")(y))
        y = self._convolution(filters, 1, f"{name}_conv3")(y)
        return layers.Add(name=f"{name}_add")([y, shortcut])

    def _convolution(self, filters: int, size: int, name: str, strides: int = 1) -> "keras.Layer":
        from keras import layers

        return layers.Conv2D(
            filters,
            size,
            strides=strides,
            padding="same",
            use_bias=False,
            kernel_regularizer=self._penalty(),
            name=name,
        )

    def _penalty(self) -> "keras.Regularizer | None":
        from keras import regularizers

        return regularizers.L2(self.l2) if self.l2 else None


def _normalise(name: str) -> "keras.Layer":
    """Batch normalisation with the source's settings."""
    from keras import layers

    return layers.BatchNormalization(axis=channel_axis(), epsilon=2e-5, momentum=0.9, name=name)
