"""A network that compiles quickly, with what several devices could get wrong."""

from typing import Any

from dlcv.interfaces import Architecture, plugin, softmax_layer


@plugin
class Tiny(Architecture):
    """A convolution with batch normalization, and dropout."""

    def features(self, x: Any) -> Any:
        from keras import layers

        x = layers.Conv2D(6, 3, strides=2, use_bias=False, name="conv")(x)
        x = layers.BatchNormalization(name="norm")(x)
        x = layers.ReLU(name="relu")(x)
        return layers.Dropout(0.3, name="dropout")(layers.GlobalAveragePooling2D(name="pool")(x))

    def classify(self, x: Any, classes: int) -> Any:
        return softmax_layer(classes)(x)
