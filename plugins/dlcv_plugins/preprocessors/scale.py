"""Scaling of values."""

from typing import TYPE_CHECKING

from dlcv.interfaces import Images, Preprocessor, option, plugin

if TYPE_CHECKING:
    import keras
    import numpy as np


@plugin
class Scale(Preprocessor):
    """Multiplies every value by a factor: 1/255 turns bytes into numbers from 0 to 1."""

    factor: float = option(1 / 255, help="what values are multiplied with", gt=0)

    def __call__(self, images: Images, rng: "np.random.Generator | None" = None) -> Images:
        """Scales a batch to float32."""
        import numpy as np

        return np.asarray(images, np.float32) * np.float32(self.factor)

    def as_layer(self) -> "keras.Layer":
        """A `Rescaling` layer."""
        from keras import layers

        return layers.Rescaling(self.factor, dtype="float32", name="scale")
