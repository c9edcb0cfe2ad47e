"""Grayscale of colors, as OpenCV's readers compute it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

BITS = 14
WEIGHTS = (4899, 9617, 1868)
"""The shares of red, green and blue in luma, 0.299, 0.587 and 0.114, in `2 ** -BITS`."""


def luma(pixels: "np.ndarray") -> "np.ndarray":
    """Returns the luma of RGB pixels; OpenCV's cvtColor rounds a few in ten thousand otherwise.

    Args:
        pixels: `(H, W, 3)` uint8.

    Returns:
        `(H, W, 1)` uint8.
    """
    import numpy as np

    weighted = pixels.astype(np.int32) @ np.array(WEIGHTS, np.int32)
    return ((weighted + (1 << BITS - 1)) >> BITS).astype(np.uint8)[..., np.newaxis]
