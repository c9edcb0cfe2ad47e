"""Fewer levels of brightness."""

from typing import TYPE_CHECKING

from dlcv.interfaces import ImagePreprocessor, option, plugin

if TYPE_CHECKING:
    import numpy as np


@plugin
class Posterise(ImagePreprocessor):
    """Leaves a few levels of brightness in each channel."""

    levels: int = option(4, help="levels that are left", ge=2, le=256)

    def process(self, image: "np.ndarray", rng: "np.random.Generator | None") -> "np.ndarray":
        """Turns one image, `(H, W, C)` uint8, into another of the same shape."""
        level = image.astype(int) * self.levels // 256
        return (level * 255 // (self.levels - 1)).astype("uint8")
