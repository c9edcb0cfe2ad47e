"""ShallowNet, the smallest convolutional network."""

from typing import TYPE_CHECKING

from dlcv.interfaces import Architecture, option, plugin, scaled

if TYPE_CHECKING:
    import keras


@plugin
class ShallowNet(Architecture):
    """One convolution and a classifier, to learn the workflow with (Rosebrock, 2017)."""

    width: float = option(1.0, help="factor on the number of filters", gt=0)

    def features(self, x: "keras.KerasTensor") -> "keras.KerasTensor":
        """Convolution 3 x 3 with 32 filters, ReLU."""
        from keras import layers

        x = layers.Conv2D(scaled(32, self.width), 3, padding="same", name="conv1")(x)
        return layers.ReLU(name="conv1_relu")(x)
