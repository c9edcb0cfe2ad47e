"""What residual networks are built of: modules whose input is added to their output."""

from typing import TYPE_CHECKING, Literal

import attrs

from dlcv.interfaces import channel_axis

if TYPE_CHECKING:
    import keras

Module = Literal["preactivation", "bottleneck", "basic"]
"""`preactivation`: the bottleneck of He et al. (2016); the others are those of He et al. (2015)."""


@attrs.frozen
class Modules:
    """Adds residual modules.

    Attributes:
        l2: The factor of the L2 penalty on kernels.
        epsilon: That of the batch normalizations.
        momentum: That of the batch normalizations.
        pytorch: Whether strided convolutions are padded alike on both sides, and a bottleneck
            halves the image in its 3 x 3 convolution, as in PyTorch's networks.
    """

    l2: float
    epsilon: float = 1e-5
    momentum: float = 0.9
    pytorch: bool = False

    def add(
        self,
        kind: Module,
        x: "keras.KerasTensor",
        filters: int,
        name: str,
        *,
        strides: int,
        reduce: bool,
    ) -> "keras.KerasTensor":
        """Adds a module of a kind.

        Args:
            kind: Which module.
            x: The features so far.
            filters: The channels that the module ends with.
            name: What the names of its layers begin with.
            strides: 2 halves the image.
            reduce: Whether the shortcut is a convolution, since the shape changes.
        """
        add = {
            "preactivation": self._preactivation,
            "bottleneck": self._bottleneck,
            "basic": self._basic,
        }[kind]
        return add(x, filters, name, strides, reduce)

    def normalise_activate(self, x: "keras.KerasTensor", name: str) -> "keras.KerasTensor":
        """Batch normalization and ReLU; `{}` in the name stands for `bn` and `relu`."""
        from keras import layers

        return layers.ReLU(name=name.format("relu"))(self.normalise(x, name.format("bn")))

    def normalise(self, x: "keras.KerasTensor", name: str) -> "keras.KerasTensor":
        """Batch normalization."""
        from keras import layers

        return layers.BatchNormalization(
            axis=channel_axis(), epsilon=self.epsilon, momentum=self.momentum, name=name
        )(x)

    def convolve(
        self, x: "keras.KerasTensor", filters: int, size: int, name: str, strides: int = 1
    ) -> "keras.KerasTensor":
        """Convolution without bias."""
        from keras import layers

        padding = "same"
        if self.pytorch and strides > 1:
            # "same" pads an even image by less on the left, or not at all.
            padding = "valid"
            x = layers.ZeroPadding2D(size // 2, name=f"{name}_pad")(x) if size > 1 else x
        return layers.Conv2D(
            filters,
            size,
            strides=strides,
            padding=padding,
            use_bias=False,
            kernel_regularizer=penalty(self.l2),
            name=name,
        )(x)

    def _preactivation(
        self, x: "keras.KerasTensor", filters: int, name: str, strides: int, reduce: bool
    ) -> "keras.KerasTensor":
        """(BN, ReLU, convolution) x 3: 1 x 1 to a quarter, 3 x 3, 1 x 1 back; no ReLU after it."""
        from keras import layers

        quarter = max(1, filters // 4)
        y = first = self.normalise_activate(x, f"{name}_{{}}1")
        y = self.convolve(y, quarter, 1, f"{name}_conv1")
        y = self.normalise_activate(y, f"{name}_{{}}2")
        y = self.convolve(y, quarter, 3, f"{name}_conv2", strides)
        y = self.normalise_activate(y, f"{name}_{{}}3")
        y = self.convolve(y, filters, 1, f"{name}_conv3")
        if reduce:
            x = self.convolve(first, filters, 1, f"{name}_shortcut", strides)
        return layers.Add(name=f"{name}_add")([y, x])

    def _bottleneck(
        self, x: "keras.KerasTensor", filters: int, name: str, strides: int, reduce: bool
    ) -> "keras.KerasTensor":
        """(Convolution, BN, ReLU) x 3, as above, with the last ReLU after the addition."""
        quarter = max(1, filters // 4)
        first, second = (1, strides) if self.pytorch else (strides, 1)
        y = self.convolve(x, quarter, 1, f"{name}_conv1", first)
        y = self.normalise_activate(y, f"{name}_{{}}1")
        y = self.convolve(y, quarter, 3, f"{name}_conv2", second)
        y = self.normalise_activate(y, f"{name}_{{}}2")
        y = self.normalise(self.convolve(y, filters, 1, f"{name}_conv3"), f"{name}_bn3")
        return self._add_shortcut(x, y, name, strides, reduce)

    def _basic(
        self, x: "keras.KerasTensor", filters: int, name: str, strides: int, reduce: bool
    ) -> "keras.KerasTensor":
        """(Convolution 3 x 3, BN, ReLU) x 2, with the last ReLU after the addition."""
        y = self.convolve(x, filters, 3, f"{name}_conv1", strides)
        y = self.normalise_activate(y, f"{name}_{{}}1")
        y = self.normalise(self.convolve(y, filters, 3, f"{name}_conv2"), f"{name}_bn2")
        return self._add_shortcut(x, y, name, strides, reduce)

    def _add_shortcut(
        self, x: "keras.KerasTensor", y: "keras.KerasTensor", name: str, strides: int, reduce: bool
    ) -> "keras.KerasTensor":
        from keras import layers

        if reduce:
            x = self.convolve(x, y.shape[channel_axis()], 1, f"{name}_shortcut", strides)
            x = self.normalise(x, f"{name}_shortcut_bn")
        x = layers.Add(name=f"{name}_add")([y, x])
        return layers.ReLU(name=f"{name}_relu")(x)


def penalty(l2: float) -> "keras.Regularizer | None":
    """Returns the penalty on kernels, None without one."""
    from keras import regularizers

    return regularizers.L2(l2) if l2 else None
