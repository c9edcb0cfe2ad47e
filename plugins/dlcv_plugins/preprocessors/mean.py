"""Subtraction of the training images' mean."""

from typing import TYPE_CHECKING, Literal, Self

from dlcv.errors import DlcvError
from dlcv.interfaces import Images, PreparationContext, Preprocessor, evolve, option, plugin, state

if TYPE_CHECKING:
    import keras
    import numpy as np


@plugin
class Mean(Preprocessor):
    """Subtracts the mean of the training images: one value a channel, or a whole mean image."""

    per: Literal["channel", "pixel"] = option("channel", help="one mean a channel or a pixel")
    values: "np.ndarray | None" = state()

    def __call__(self, images: Images, rng: "np.random.Generator | None" = None) -> Images:
        """Subtracts the mean from a batch; the result is float32."""
        import numpy as np

        return np.asarray(images, np.float32) - self._known()

    def prepare(self, context: PreparationContext) -> Self:
        """Takes the mean over the training images; one that is known already stays."""
        if self.values is not None:
            return self
        import numpy as np

        mean = mean_image(context)
        if self.per == "channel":
            mean = mean.mean(axis=(0, 1))
        return evolve(self, values=mean.astype(np.float32))

    def as_layer(self) -> "keras.Layer":
        """A `Normalization` layer with variance 1, which keeps the mean among its weights."""
        from keras import layers

        mean = self._known()
        per_pixel = mean.ndim == 3
        layer = layers.Normalization(
            axis=(1, 2, 3) if per_pixel else -1, dtype="float32", name="mean"
        )
        layer.build((None, *mean.shape) if per_pixel else (None, None, None, *mean.shape))
        layer.adapt_mean.assign(mean)
        layer.finalize_state()
        return layer

    def _known(self) -> "np.ndarray":
        if self.values is None:
            raise DlcvError("mean: the mean is not known yet; call prepare with training images")
        return self.values


def mean_image(context: PreparationContext) -> "np.ndarray":
    """Returns the mean of the training images, `(H, W, C)` float64; all have one size."""
    import numpy as np

    total, count = 0, 0
    for batch in context.training_batches():
        total += batch.sum(axis=0, dtype=np.float64)
        count += len(batch)
    return np.asarray(total) / count
