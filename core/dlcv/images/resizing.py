"""Resizing images, and sizes."""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

Interpolation = Literal["area", "linear", "nearest"]


def resize(
    image: "np.ndarray", size: tuple[int, int], interpolation: Interpolation = "area"
) -> "np.ndarray":
    """Resizes an image, ignoring its aspect ratio.

    Args:
        image: `(H, W, C)` uint8.
        size: `(height, width)` in pixels.
        interpolation: How values between pixels are found.
    """
    import cv2

    height, width = size
    if image.shape[:2] == (height, width):
        return image
    method = {
        "area": cv2.INTER_AREA,
        "linear": cv2.INTER_LINEAR,
        # The pixel whose center is nearest, as in Pillow and Keras's `load_img`; OpenCV's other
        # method takes one further to the left and the top.
        "nearest": cv2.INTER_NEAREST_EXACT,
    }[interpolation]
    resized: np.ndarray = cv2.resize(image, (width, height), interpolation=method)
    return resized if resized.ndim == 3 else resized[..., None]


def pair(size: int | tuple[int, int]) -> tuple[int, int]:
    """Returns a size as `(height, width)`: one number stands for a square."""
    return (size, size) if isinstance(size, int) else size
