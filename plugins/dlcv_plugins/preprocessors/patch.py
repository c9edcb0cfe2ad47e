"""Random regions in training."""

from typing import TYPE_CHECKING

from dlcv import images
from dlcv.errors import DlcvError
from dlcv.interfaces import Size, plugin
from dlcv_plugins.preprocessors.simple import Simple

if TYPE_CHECKING:
    import numpy as np


@plugin
class Patch(Simple):
    """Cuts a random region out of each image in training; otherwise resizes to its size."""

    def process(self, image: "np.ndarray", rng: "np.random.Generator | None") -> "np.ndarray":
        """Cuts or resizes one image, `(H, W, C)` uint8.

        Raises:
            DlcvError: in training, the image is smaller than the region.
        """
        if rng is None:
            return super().process(image, rng)
        assert self.size is not None
        height, width = images.pair(self.size)
        if image.shape[0] < height or image.shape[1] < width:
            raise DlcvError(
                f"patch: an image of {image.shape[0]} x {image.shape[1]} pixels is smaller than "
                f"the patch ({height} x {width}); put aspect_aware before patch, "
                "or choose a smaller size"
            )
        top = rng.integers(image.shape[0] - height + 1)
        left = rng.integers(image.shape[1] - width + 1)
        return image[top : top + height, left : left + width]

    def source_size(self, size: Size) -> Size:
        """An eighth larger, so that there is something to choose."""
        return (round(size[0] * 9 / 8), round(size[1] * 9 / 8))
