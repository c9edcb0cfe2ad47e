"""Random regions in training."""

from typing import TYPE_CHECKING

from dlcv import images
from dlcv.interfaces import plugin
from dlcv_plugins.preprocessors.regions import Regions

if TYPE_CHECKING:
    import numpy as np


@plugin
class Patch(Regions):
    """Cuts a random region out of each image in training; otherwise resizes to its size.

    With `padding=4` and the images' own size, it shifts them as is usual for CIFAR-10 (He et al.
    2015).
    """

    def process(self, image: "np.ndarray", rng: "np.random.Generator | None") -> "np.ndarray":
        """Cuts or resizes one image, `(H, W, C)` uint8.

        Raises:
            DlcvError: in training, the image is smaller than the region.
        """
        if rng is None:
            return super().process(image, rng)
        image = self.padded(image, "patch")
        assert self.size is not None
        height, width = images.pair(self.size)
        top = rng.integers(image.shape[0] - height + 1)
        left = rng.integers(image.shape[1] - width + 1)
        return image[top : top + height, left : left + width]
