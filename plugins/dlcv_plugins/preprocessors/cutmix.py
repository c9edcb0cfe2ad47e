"""CutMix: a rectangle of another image, and its share of the label."""

from typing import TYPE_CHECKING

from dlcv.interfaces import Images, Preprocessor, option, plugin

if TYPE_CHECKING:
    import numpy as np


@plugin
class Cutmix(Preprocessor):
    """Puts a rectangle of another image of the batch into each, and mixes labels by area (CutMix).

    Yun et al. 2019, "CutMix: Regularization Strategy to Train Strong Classifiers". The share that
    stays is drawn from Beta(alpha, alpha); the rectangle has the image's aspect ratio and its
    middle anywhere, and what sticks out is cut off, so the labels' shares are those of the pixels.
    Each pair gets a rectangle of its own; the authors' program draws one a batch.
    """

    alpha: float = option(
        1.0, help="of the Beta distribution of shares; larger cuts halves more often", gt=0
    )

    def __call__(self, images: Images, rng: "np.random.Generator | None" = None) -> Images:
        """Leaves the images as they are; they are mixed with their labels."""
        return images

    def mix(
        self, images: "np.ndarray", labels: "np.ndarray", rng: "np.random.Generator"
    ) -> "tuple[np.ndarray, np.ndarray]":
        """Pastes rectangles, and weighs labels by the pixels that are left and that came in."""
        import numpy as np

        size = np.array(images.shape[1:3])
        partners = rng.permutation(len(images))
        first, last = self._rectangles(len(images), size, rng)
        mixed = images.copy()
        for result, partner, (top, left), (bottom, right) in zip(
            mixed, partners, first.tolist(), last.tolist(), strict=True
        ):
            result[top:bottom, left:right] = images[partner, top:bottom, left:right]
        pasted = ((last - first).prod(axis=1) / size.prod()).astype(np.float32)[:, np.newaxis]
        return mixed, (1 - pasted) * labels + pasted * labels[partners]

    def _rectangles(
        self, count: int, size: "np.ndarray", rng: "np.random.Generator"
    ) -> "tuple[np.ndarray, np.ndarray]":
        """Returns the `(row, column)` of first pixels and of those after the last, `(N, 2)` each.

        Args:
            count: How many.
            size: `(height, width)` of the images.
            rng: The source of randomness.
        """
        import numpy as np

        cut = np.sqrt(1 - rng.beta(self.alpha, self.alpha, count))
        half = (cut[:, np.newaxis] * size).astype(int) // 2
        middle = rng.integers(0, size, (count, 2))
        return np.clip(middle - half, 0, size), np.clip(middle + half, 0, size)
