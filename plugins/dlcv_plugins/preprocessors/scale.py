"""Scaling of values."""

from typing import TYPE_CHECKING

from dlcv.interfaces import Images, Preprocessor, option, plugin

if TYPE_CHECKING:
    import keras
    import numpy as np


@plugin
class Scale(Preprocessor):
    """Multiplies every value by a factor and adds an offset; 1/255 turns bytes into 0 to 1."""

    factor: float = option(1 / 255, help="what values are multiplied with", gt=0)
    offset: float | None = option(None, help="what is added afterwards; nothing if left out")

    def __call__(self, images: Images, rng: "np.random.Generator | None" = None) -> Images:
        """Scales a batch to float32."""
        import numpy as np

        return np.asarray(images, np.float32) * np.float32(self.factor) + np.float32(
            self.offset or 0
        )

    def as_layer(self) -> "keras.Layer":
        """A `Rescaling` layer."""
        from keras import layers

        return layers.Rescaling(self.factor, self.offset or 0.0, dtype="float32", name="scale")
