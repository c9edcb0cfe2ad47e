"""Whitening of small patches, as the first convolution of a network."""

from typing import TYPE_CHECKING, Self

from dlcv.errors import DlcvError
from dlcv.interfaces import (
    Images,
    PreparationContext,
    Preprocessor,
    Shape,
    evolve,
    option,
    plugin,
    state,
)

if TYPE_CHECKING:
    import keras
    import numpy as np


@plugin
class Whiten(Preprocessor):
    """Replaces each small patch by its principal components, all of about the same variance.

    A convolution whose filters come from the training images and are not trained (Coates and Ng
    2011; as Jordan 2024 has it, each filter is there with both signs, for a network that begins
    with an activation). A network learns faster from values that do not correlate.
    """

    size: int = option(2, help="height and width of the patches in pixels", ge=1)
    epsilon: float = option(
        0.0005, help="what is added to each variance, as a share of the pixels' variance", gt=0
    )
    filters: "np.ndarray | None" = state()
    offsets: "np.ndarray | None" = state()

    def __call__(self, images: Images, rng: "np.random.Generator | None" = None) -> Images:
        """Whitens a batch.

        Returns:
            `(N, H - size + 1, W - size + 1, 2 * size * size * C)` float32.
        """
        import numpy as np

        filters, offsets = self._known()
        patches = _patches(np.asarray(images, np.float32), self.size)
        return patches @ filters.reshape(-1, len(offsets)) + offsets

    def prepare(self, context: PreparationContext) -> Self:
        """Takes the covariance of all patches of the training images; one that is known stays."""
        if self.filters is not None:
            return self
        import numpy as np

        total, products, count = np.zeros(1), np.zeros((1, 1)), 0
        for batch in context.training_batches():
            patches = _patches(batch.astype(np.float64), self.size)
            channels = batch.shape[-1]
            patches = patches.reshape(-1, patches.shape[-1])
            total = total + patches.sum(axis=0)
            products = products + patches.T @ patches
            count += len(patches)
        mean = total / count
        variances, components = np.linalg.eigh(products / count - np.outer(mean, mean))
        added = self.epsilon * max(variances.mean(), np.finfo(np.float32).tiny)
        components = components / np.sqrt(np.maximum(variances, 0) + added)
        both = np.concatenate([components, -components], axis=1)
        return evolve(
            self,
            filters=both.reshape(self.size, self.size, channels, -1).astype(np.float32),
            offsets=(-mean @ both).astype(np.float32),
        )

    def output_shape(self, shape: Shape) -> Shape:
        """A little smaller, since patches lie within the image, with two values a component."""
        height, width, channels = shape
        return (
            None if height is None else height - self.size + 1,
            None if width is None else width - self.size + 1,
            2 * self.size * self.size * channels,
        )

    def as_layer(self) -> "keras.Layer":
        """A convolution that is not trained, as a network of its own: it takes pixels as floats."""
        import keras

        filters, offsets = self._known()
        inputs = keras.Input((None, None, filters.shape[2]), dtype="float32")
        convolution = keras.layers.Conv2D(
            len(offsets), self.size, dtype="float32", data_format="channels_last", trainable=False
        )
        outputs = convolution(inputs)
        convolution.set_weights([filters, offsets])
        return keras.Model(inputs, outputs, name="whiten", trainable=False)

    def _known(self) -> "tuple[np.ndarray, np.ndarray]":
        if self.filters is None or self.offsets is None:
            raise DlcvError("whiten: nothing is known yet; call prepare with training images")
        return self.filters, self.offsets


def _patches(images: "np.ndarray", size: int) -> "np.ndarray":
    """Returns all patches, `(N, H - size + 1, W - size + 1, size * size * C)`."""
    import numpy as np

    if min(images.shape[1:3]) < size:
        raise DlcvError(
            f"whiten: an image of {images.shape[1]} x {images.shape[2]} pixels is smaller than "
            f"the patches ({size} x {size})"
        )
    views = np.lib.stride_tricks.sliding_window_view(images, (size, size), axis=(1, 2))
    # The window's axes come last; a filter has its height, its width and then the channels.
    return np.moveaxis(views, 3, -1).reshape(*views.shape[:3], -1)
