"""The tiniest network."""

from typing import TYPE_CHECKING

from dlcv.interfaces import Architecture, option, plugin

if TYPE_CHECKING:
    import keras


@plugin
class TinyNet(Architecture):
    """One convolution that halves the image."""

    default_size = (16, 16)

    filters: int = option(8, help="number of filters", ge=1)

    def features(self, x: "keras.KerasTensor") -> "keras.KerasTensor":
        """Returns what the default classifier, a flattening and a softmax, gets."""
        from keras import layers

        x = layers.Conv2D(self.filters, 3, strides=2, padding="same", name="conv1")(x)
        return layers.ReLU(name="conv1_relu")(x)
