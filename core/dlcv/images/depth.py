"""Samples of 16 bits: which of their bits become the 8 that networks are trained on."""

import functools
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger(__name__)

BitDepth = int | Literal["stretch"]
"""The bits that 16-bit samples use, 8 to 16, counted from the lowest; `stretch` for the range of
each image's own values."""
ALL_BITS = 16
USUAL_BITS = (8, 10, 12, 14)
"""The bits that cameras and scanners use."""


def to_bytes(samples: "np.ndarray", bit_depth: BitDepth = ALL_BITS) -> "np.ndarray":
    """Returns samples of 16 bits as bytes; others as they are.

    Args:
        samples: An image's samples, of any shape.
        bit_depth: The bits that they use: of 16 the upper 8 are taken, of 12 the upper 8 of these,
            and larger values become 255. `stretch` makes the image's lowest value 0 and its
            highest 255, linearly, so that images can't be compared in brightness any more.

    Returns:
        The same shape, uint8.
    """
    import numpy as np

    if samples.dtype != np.uint16:
        return samples
    if bit_depth == "stretch":
        low, high = int(samples.min()), int(samples.max())
        scaled = (samples.astype(np.float64) - low) * (255 / max(1, high - low))
        return np.rint(scaled).astype(np.uint8)
    clipped = np.minimum(samples, 2**bit_depth - 1)
    found: np.ndarray = (clipped >> (bit_depth - 8)).astype(np.uint8)
    if bit_depth == ALL_BITS:
        hint_at_unused_bits(found)
    return found


def recorded_bit_depth(record: Mapping[str, Any]) -> BitDepth:
    """Returns the bit depth in a record of a run, a model or a packed data set; 16 without one."""
    found: BitDepth = record.get("bit_depth", ALL_BITS)
    return found if found in ("stretch", *range(8, ALL_BITS + 1)) else ALL_BITS


def hint_at_unused_bits(upper: "np.ndarray") -> None:
    """Logs a hint where the upper bytes of 16-bit samples are so low that the image looks black."""
    used = 8 + int(upper.max(initial=0)).bit_length()
    if used <= USUAL_BITS[-1]:
        _hint(next(bits for bits in USUAL_BITS if used <= bits))


@functools.cache
def _hint(bits: int) -> None:
    """Logs the hint once a process."""
    logger.warning(
        "16-bit images are read by their upper 8 bits, and some use the lowest %d only, so they "
        "are nearly black; the store's option bit_depth=%d reads these",
        bits,
        bits,
    )
