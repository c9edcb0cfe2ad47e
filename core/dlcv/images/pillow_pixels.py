"""Pixels of an image that Pillow decoded, as OpenCV's readers give them."""

from typing import TYPE_CHECKING

from dlcv.images.depth import ALL_BITS, BitDepth, to_bytes

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

LUMA_BITS = 14
LUMA_WEIGHTS = (4899, 9617, 1868)
"""The shares of red, green and blue in luma, 0.299, 0.587 and 0.114, in `2 ** -LUMA_BITS`."""


def pixels_of(image: "Image.Image", channels: int, bit_depth: BitDepth = ALL_BITS) -> "np.ndarray":
    """Returns an image's pixels; alpha is dropped.

    Args:
        image: The image, upright.
        channels: 3 for RGB, 1 for grayscale.
        bit_depth: What `to_bytes` takes, for samples of 16 bits.

    Returns:
        `(H, W, channels)` uint8.
    """
    import numpy as np

    if image.mode.startswith("I"):
        grey = to_bytes(np.asarray(image).astype(np.uint16), bit_depth)[..., np.newaxis]
        return grey if channels == 1 else np.repeat(grey, 3, axis=2)
    if image.mode in ("RGBa", "La"):
        # Colors that were multiplied by their alpha are divided by it.
        image = image.convert(image.mode.upper())
    elif image.mode in ("1", "L", "LA") and channels == 1:
        return np.array(image.convert("L"))[..., np.newaxis]
    pixels = np.array(image.convert("RGB"))
    if channels == 3:
        return pixels
    # OpenCV's cvtColor rounds a few pixels in ten thousand otherwise than its readers.
    luma = pixels.astype(np.int32) @ np.array(LUMA_WEIGHTS, np.int32)
    return ((luma + (1 << LUMA_BITS - 1)) >> LUMA_BITS).astype(np.uint8)[..., np.newaxis]
