"""TIFF files, decoded strictly: a strip that is lost or garbled is refused.

OpenCV leaves damaged strips of compressed files black, and multiplies colors by their alpha; Pillow
reads the same library's pixels and does neither.
"""

import io
from typing import TYPE_CHECKING

from dlcv.errors import ImageError
from dlcv.images import ALL_BITS, BitDepth, hint_at_unused_bits, pixels_of

if TYPE_CHECKING:
    import numpy as np
    from PIL.TiffImagePlugin import TiffImageFile

STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
BITS_TAG, FORMAT_TAG = 258, 339
"""BitsPerSample and SampleFormat."""
UNSIGNED = 1
"""The sample format of whole numbers from 0."""
MODES_IN_BYTES = frozenset(
    {"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "LAB"}
)
"""Pillow's modes of at most 8 bits a sample."""


def size_of(content: bytes) -> tuple[int, int] | None:
    """Returns the width and height of a TIFF; None for what is none.

    Raises:
        ImageError: the header is damaged.
    """
    if not content.startswith(STARTS):
        return None
    from PIL.TiffImagePlugin import TiffImageFile

    try:
        with TiffImageFile(io.BytesIO(content)) as header:
            return header.size
    except SyntaxError:
        return None
    except (OSError, ValueError) as error:
        raise ImageError(f"has a damaged header: {error}") from None


def decode(content: bytes, *, channels: int, bit_depth: BitDepth = ALL_BITS) -> "np.ndarray | None":
    """Decodes the first image of a TIFF upright; alpha is dropped.

    Args:
        content: The file's bytes, with a header that can be read.
        channels: 3 for RGB, 1 for grayscale.
        bit_depth: What `to_bytes` takes; OpenCV gives the samples for others than all 16 bits.

    Returns:
        `(H, W, channels)` uint8; None for what is left to OpenCV: other formats, and images of
        16 bits a sample.

    Raises:
        ImageError: a part of the image is missing or garbled, or it has samples that are not read.
    """
    if not content.startswith(STARTS):
        return None
    from PIL.TiffImagePlugin import TiffImageFile

    try:
        with TiffImageFile(io.BytesIO(content)) as file:
            is_deep = _bits(file) > 8
            _refuse_other_samples(file)
            if file.mode in MODES_IN_BYTES and not (is_deep and bit_depth != ALL_BITS):
                pixels = pixels_of(file, channels)
                if is_deep:
                    hint_at_unused_bits(pixels)
                return pixels
    except ImageError:
        raise
    except Exception as error:
        # Damaged entries and strips raise many things.
        raise ImageError(
            f"can't be decoded completely; it is damaged or cut off ({error})"
        ) from None
    _refuse_damage(content)
    return None


def _refuse_other_samples(file: "TiffImageFile") -> None:
    bits = _bits(file)
    formats = set(file.tag_v2.get(FORMAT_TAG, (UNSIGNED,)))
    if bits > 16 or formats != {UNSIGNED}:
        kind = "" if formats == {UNSIGNED} else " signed" if formats == {2} else " floating-point"
        raise ImageError(
            f"has{kind} samples of {bits} bits, which are not read; convert it to 8 bits a sample"
        )


def _bits(file: "TiffImageFile") -> int:
    return int(max(file.tag_v2.get(BITS_TAG, (1,))))


def _refuse_damage(content: bytes) -> None:
    """Raises an `ImageError` for damage that OpenCV ignores unless it gives samples unchanged."""
    import cv2
    import numpy as np

    try:
        unchanged = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ImageError(f"can't be decoded: {error.err}") from None
    if unchanged is None:
        raise ImageError("can't be decoded completely; it is damaged or cut off")
