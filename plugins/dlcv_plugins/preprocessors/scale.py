"""Scaling of values."""

from typing import TYPE_CHECKING

from dlcv.errors import DlcvError
from dlcv.interfaces import Images, Preprocessor, option, plugin

if TYPE_CHECKING:
    import keras
    import numpy as np


@plugin
class Scale(Preprocessor):
    """Multiplies every value by a factor and adds an offset; 1/255 turns bytes into 0 to 1."""

    factor: float | tuple[float, ...] = option(
        1 / 255, help="what values are multiplied with; one number, or one a channel", gt=0
    )
    offset: float | tuple[float, ...] | None = option(
        None, help="what is added afterwards, one number or one a channel; nothing if left out"
    )

    def __call__(self, images: Images, rng: "np.random.Generator | None" = None) -> Images:
        """Scales a batch to float32.

        Raises:
            DlcvError: there are numbers for other channels than the images have.
        """
        import numpy as np

        values = np.asarray(images, np.float32)
        for given in (self.factor, self.offset):
            if isinstance(given, tuple) and len(given) != values.shape[-1]:
                raise DlcvError(
                    f"scale: there are numbers for {len(given)} channels, and the images have "
                    f"{values.shape[-1]}"
                )
        offset = 0 if self.offset is None else self.offset
        return values * np.asarray(self.factor, np.float32) + np.asarray(offset, np.float32)

    def as_layer(self) -> "keras.Layer":
        """A `Rescaling` layer; a network of its own where there is a number for each channel."""
        import keras
        import numpy as np

        offset = self.offset or 0.0
        if not isinstance(self.factor, tuple) and not isinstance(offset, tuple):
            return keras.layers.Rescaling(self.factor, offset, dtype="float32", name="scale")
        # `Rescaling` takes a number a channel for channels first wherever Keras is set so.
        channels = max(len(each) for each in (self.factor, offset) if isinstance(each, tuple))
        inputs = keras.Input((None, None, channels), dtype="float32")
        scaled = keras.ops.multiply(inputs, np.array(self.factor, np.float32))
        return keras.Model(
            inputs, keras.ops.add(scaled, np.array(offset, np.float32)), name="scale"
        )
