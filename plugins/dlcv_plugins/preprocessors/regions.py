"""What cuts regions out of images has in common."""

from typing import TYPE_CHECKING

from dlcv import images
from dlcv.errors import DlcvError
from dlcv.interfaces import Size, option, plugin
from dlcv_plugins.preprocessors.simple import Simple

if TYPE_CHECKING:
    import numpy as np


@plugin
class Regions(Simple):
    """Cuts regions of its size out of images that are larger, or that are padded first."""

    padding: int = option(
        0, help="pixels that are added on each side first: the image, mirrored", ge=0
    )

    def source_size(self, size: Size) -> Size:
        """An eighth larger, so that there is something to choose; the size itself with padding."""
        return size if self.padding else (round(size[0] * 9 / 8), round(size[1] * 9 / 8))

    def padded(self, image: "np.ndarray", what: str) -> "np.ndarray":
        """Returns an image `(H, W, C)` with its padding.

        Args:
            image: uint8.
            what: What is cut, in plural or not, for the message.

        Raises:
            DlcvError: it is smaller than the region even so.
        """
        import cv2

        assert self.size is not None
        if self.padding:
            pixels = (self.padding,) * 4
            # OpenCV drops the axis of a single channel.
            image = cv2.copyMakeBorder(image, *pixels, cv2.BORDER_REFLECT_101).reshape(
                *(side + 2 * self.padding for side in image.shape[:2]), image.shape[2]
            )
        height, width = images.pair(self.size)
        if image.shape[0] < height or image.shape[1] < width:
            name = type(self).__name__.lower()
            raise DlcvError(
                f"{name}: an image of {image.shape[0]} x {image.shape[1]} pixels is smaller than "
                f"the {what} ({height} x {width}); put aspect_aware before {name}, "
                "or choose a smaller size"
            )
        return image
