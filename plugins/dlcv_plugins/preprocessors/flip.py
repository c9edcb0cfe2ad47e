"""Random mirror images."""

from typing import TYPE_CHECKING

from dlcv.interfaces import Images, Preprocessor, option, plugin, stack

if TYPE_CHECKING:
    import numpy as np

LEFT_RIGHT, TOP_BOTTOM, BOTH = 1, 0, -1
"""OpenCV's numbers."""


@plugin
class Flip(Preprocessor):
    """Mirrors each image in training, with probability 1/2."""

    horizontal: bool = option(True, help="swap left and right for half of the images")
    vertical: bool = option(False, help="swap top and bottom for half of the images")

    def __call__(self, images: Images, rng: "np.random.Generator | None" = None) -> Images:
        """Mirrors half of the images in training; otherwise they stay as they are."""
        if rng is None:
            return images
        import cv2
        import numpy as np

        left_right, top_bottom = rng.random((2, len(images))) < 0.5
        left_right &= self.horizontal
        top_bottom &= self.vertical
        axes = np.where(left_right, np.where(top_bottom, BOTH, LEFT_RIGHT), TOP_BOTTOM).tolist()
        results = images.copy() if isinstance(images, np.ndarray) else [i.copy() for i in images]
        for index in np.flatnonzero(left_right | top_bottom).tolist():
            cv2.flip(images[index], axes[index], results[index])
        return results if isinstance(results, np.ndarray) else stack(results)
