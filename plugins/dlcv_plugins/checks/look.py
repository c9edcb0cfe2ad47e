"""What an image looks like, in few bytes: to compare it with all the others."""

import hashlib
from typing import TYPE_CHECKING

import attrs

from dlcv import images

if TYPE_CHECKING:
    import numpy as np

SIGNATURE_SIDE = 16
"""Height and width of the small picture that is kept of each image."""
FLAT_RANGE = 2
"""Grey levels by which pixels or channels may differ and still count as the same."""


@attrs.frozen(eq=False)
class Look:
    """A decoded image, in short.

    Attributes:
        height: In pixels, upright.
        width: In pixels, upright.
        digest: A hash of all pixels; the same for exact copies, whatever file format they are in.
        hash: The perceptual hash, 64 bits.
        mirrored_hash: The perceptual hash of the mirrored image.
        signature: `(16, 16, 3)` uint8, the image made small, as bytes.
        is_grey: Whether it shows no color.
        is_blank: Whether all pixels have the same color.
    """

    height: int
    width: int
    digest: bytes
    hash: int
    mirrored_hash: int
    signature: bytes
    is_grey: bool
    is_blank: bool


def look_at(image: "np.ndarray") -> Look:
    """Sums an image up.

    Args:
        image: `(H, W, 3)` or `(H, W, 1)` uint8.
    """
    import numpy as np

    rgb = np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))
    small = images.resize(rgb, (2 * SIGNATURE_SIDE, 2 * SIGNATURE_SIDE))
    lowest, highest = small.min(-1).astype(int), small.max(-1).astype(int)
    low, high = image.min(axis=(0, 1)).astype(int), image.max(axis=(0, 1)).astype(int)
    return Look(
        height=image.shape[0],
        width=image.shape[1],
        digest=hashlib.sha256(repr(rgb.shape).encode() + rgb.tobytes()).digest()[:16],
        hash=_perceptual_hash(small),
        mirrored_hash=_perceptual_hash(small[:, ::-1]),
        signature=images.resize(small, (SIGNATURE_SIDE, SIGNATURE_SIDE)).tobytes(),
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
