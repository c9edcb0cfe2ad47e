"""Mixup: images and labels blended in pairs."""

from typing import TYPE_CHECKING

from dlcv.interfaces import Images, Preprocessor, option, plugin

if TYPE_CHECKING:
    import numpy as np


@plugin
class Mixup(Preprocessor):
    """Blends each image of a batch with another, and their labels alike (mixup).

    Zhang et al. 2017, "mixup: Beyond Empirical Risk Minimization": the share of an image is drawn
    from Beta(alpha, alpha), its partner from the same batch. Each pair gets a share of its own, as
    in the paper's formula; the authors' program draws one a batch, to the same effect on average.
    """

    alpha: float = option(
        0.2, help="of the Beta distribution of shares; larger blends more evenly", gt=0
    )

    def __call__(self, images: Images, rng: "np.random.Generator | None" = None) -> Images:
        """Leaves the images as they are; they are blended with their labels."""
        return images

    def mix(
        self, images: "np.ndarray", labels: "np.ndarray", rng: "np.random.Generator"
    ) -> "tuple[np.ndarray, np.ndarray]":
        """`share * image + (1 - share) * partner`, rounded, and the same of the labels."""
        import cv2
        import numpy as np

        partners = rng.permutation(len(images))
        shares = rng.beta(self.alpha, self.alpha, len(images))
        mixed = np.empty(images.shape, np.uint8)
        for image, partner, share, result in zip(
            images, partners, shares.tolist(), mixed, strict=True
        ):
            cv2.addWeighted(image, share, images[partner], 1 - share, 0, result)
        weights = shares[:, np.newaxis].astype(np.float32)
        return mixed, weights * labels + (1 - weights) * labels[partners]
