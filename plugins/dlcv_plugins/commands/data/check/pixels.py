"""The summary of a decoded image: a few bytes to compare it with all others."""

import hashlib
from typing import TYPE_CHECKING

from dlcv import images
from dlcv_plugins.kinds.check import PixelSummary

if TYPE_CHECKING:
    import numpy as np

FLAT_RANGE = 2
"""Grey levels by which pixels or channels may differ and still count as the same."""


def summarize(image: "np.ndarray") -> PixelSummary:
    """Summarizes an image.

    Args:
        image: `(H, W, 3)` or `(H, W, 1)` uint8.
    """
    import numpy as np

    side = PixelSummary.signature_side
    rgb = np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))
    small = images.resize(rgb, (2 * side, 2 * side))
    lowest, highest = small.min(-1).astype(int), small.max(-1).astype(int)
    low, high = image.min(axis=(0, 1)).astype(int), image.max(axis=(0, 1)).astype(int)
    return PixelSummary(
        height=image.shape[0],
        width=image.shape[1],
        digest=hashlib.sha256(repr(rgb.shape).encode() + rgb.tobytes()).digest()[:16],
        hash=_perceptual_hash(small),
        mirrored_hash=_perceptual_hash(small[:, ::-1]),
        signature=images.resize(small, (side, side)).tobytes(),
        is_grey=bool((highest - lowest).max() <= FLAT_RANGE),
        is_blank=bool((high - low).max() <= FLAT_RANGE),
    )


def _perceptual_hash(small: "np.ndarray") -> int:
    """Returns the signs of an image's lowest frequencies, 64 bits."""
    import imagehash
    import numpy as np
    from PIL import Image

    bits = imagehash.phash(Image.fromarray(np.ascontiguousarray(small)).convert("L")).hash
    return int.from_bytes(np.packbits(bits).tobytes(), "big")
