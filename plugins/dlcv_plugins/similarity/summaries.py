"""The summaries of decoded images: a few bytes each, to compare every image with all others."""

import functools
import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from dlcv import images
from dlcv_plugins.kinds.check import PixelSummary

if TYPE_CHECKING:
    import numpy as np

FLAT_RANGE = 2
"""Grey levels by which pixels or channels may differ and still count as the same."""
SIDE = 32
"""Pixels of the square that the perceptual hash is of."""
FREQUENCIES = 8
"""The lowest of these, across and down, give a bit each."""


def summarize(pictures: "Iterable[np.ndarray]") -> list[PixelSummary]:
    """Summarizes images; several at once take less time each.

    Args:
        pictures: `(H, W, 3)` or `(H, W, 1)` uint8, of any sizes.
    """
    import numpy as np

    pictures = list(pictures)
    if not pictures:
        return []
    side = PixelSummary.signature_side
    colored = [np.ascontiguousarray(np.broadcast_to(p, (*p.shape[:2], 3))) for p in pictures]
    small = np.stack([images.resize(image, (SIDE, SIDE)) for image in colored])
    # NumPy takes the maximum of planes several times faster than over an axis of three.
    red, green, blue = np.moveaxis(small, -1, 0)
    colors = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    hashes = perceptual_hashes(small)
    return [
        PixelSummary(
            height=image.shape[0],
            width=image.shape[1],
            digest=hashlib.sha256(repr(image.shape).encode() + image.tobytes()).digest()[:16],
            hash=upright,
            mirrored_hash=mirrored,
            signature=images.resize(reduced, (side, side)).tobytes(),
            is_grey=bool(spread.max() <= FLAT_RANGE),
            # What is flat in full size is flat in small, which takes less time to find out.
            is_blank=_is_flat(reduced) and _is_flat(image),
        )
        for image, reduced, spread, (upright, mirrored) in zip(
            colored, small, colors, hashes.tolist(), strict=True
        )
    ]


def _is_flat(image: "np.ndarray") -> bool:
    """Returns whether all pixels of an `(H, W, 3)` image have the same color."""
    return all(int(image[..., c].max()) - int(image[..., c].min()) <= FLAT_RANGE for c in range(3))


def perceptual_hashes(small: "np.ndarray") -> "np.ndarray":
    """Returns the signs of the lowest frequencies of images and of their mirror images.

    It is the hash `phash` of the package imagehash (Zauner, "Implementation and benchmarking of
    perceptual image hash functions", 2010) for many images at once: each of the lowest
    frequencies of the discrete cosine transform gives a bit, whether it is above their median.

    Args:
        small: `(N, 32, 32, 3)` uint8.

    Returns:
        `(N, 2)` uint64, upright and mirrored.
    """
    import numpy as np

    # The weights of ITU-R 601, as Pillow has them.
    red, green, blue = np.moveaxis(small, -1, 0).astype(np.int32)
    grey = (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16
    waves = _waves()
    found = waves @ grey.astype(np.float64) @ waves.T
    # In a mirror, every second frequency across changes its sign.
    mirrored = found * (1 - 2 * (np.arange(FREQUENCIES) % 2))
    both = np.stack([found, mirrored], axis=1).reshape(len(small), 2, -1)
    bits = both > np.median(both, axis=2, keepdims=True)
    return np.packbits(bits, axis=2).view(">u8")[..., 0].astype(np.uint64)


@functools.cache
def _waves() -> "np.ndarray":
    """Returns the lowest cosines of the transform, `(8, 32)` float64."""
    import numpy as np

    places = 2 * np.arange(SIDE) + 1
    return np.cos(np.pi * np.arange(FREQUENCIES)[:, None] * places / (2 * SIDE))
