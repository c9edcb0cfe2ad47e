"""JPEG XL, which the package imagecodecs decodes.

Of animations the first frame is read. The image is upright as its codestream says; an EXIF
orientation beside it does not count, as in the standard (ISO/IEC 18181-2).
"""

import functools
import importlib.util
from typing import TYPE_CHECKING

from dlcv.errors import ImageError
from dlcv.images import ALL_BITS, BitDepth, pixels_of, to_bytes

if TYPE_CHECKING:
    import numpy as np

CODESTREAM, CONTAINER = b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"
"""How files begin: the image alone, or boxes of which one holds the image."""
RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
"""Width to height, by the number in the header."""
SIZE_BITS = (9, 13, 18, 30)
LONGEST_HEADER = 16
"""Bytes of the codestream that hold its size."""


def size_of(content: bytes) -> tuple[int, int] | None:
    """Returns the width and height in the header, before it is turned upright; None for others.

    The places are those of ISO/IEC 18181-1, SizeHeader: bits from the lowest of each byte on.

    Raises:
        ImageError: the header is damaged, or what reads the format is not installed.
    """
    if not content.startswith((CODESTREAM, CONTAINER)):
        return None
    if not _is_installed():
        raise ImageError("is JPEG XL; `pip install 'dlcv[jxl]'` lets dlcv read it")
    header = _codestream(content)[:LONGEST_HEADER]
    if len(header) < 3 or not header.startswith(CODESTREAM):
        raise ImageError("has a damaged header: no image in it")
    bits = int.from_bytes(header[len(CODESTREAM) :], "little")

    def take(count: int) -> int:
        nonlocal bits
        value, bits = bits & (1 << count) - 1, bits >> count
        return value

    def side(is_small: int) -> int:
        return (take(5) + 1) * 8 if is_small else take(SIZE_BITS[take(2)]) + 1

    is_small = take(1)
    height, ratio = side(is_small), take(3)
    if ratio == 0:
        return side(is_small), height
    across, down = RATIOS[ratio]
    return height * across // down, height


def decode(content: bytes, *, channels: int, bit_depth: BitDepth = ALL_BITS) -> "np.ndarray | None":
    """Decodes an image upright; alpha is dropped.

    Args:
        content: The file's bytes, with a header that can be read.
        channels: 3 for RGB, 1 for grayscale.
        bit_depth: What `to_bytes` takes, for samples of 16 bits.

    Returns:
        `(H, W, channels)` uint8; None for other formats.

    Raises:
        ImageError: a part of the image is missing, or it has samples that are not read.
    """
    if not content.startswith((CODESTREAM, CONTAINER)):
        return None
    import imagecodecs
    import numpy as np
    from PIL import Image

    try:
        samples = imagecodecs.jpegxl_decode(content, index=0, numthreads=1)
    except Exception as error:
        # The library has errors of its own, and others for sizes.
        raise ImageError(
            f"can't be decoded completely; it is damaged or cut off ({error})"
        ) from None
    if samples.dtype not in (np.uint8, np.uint16):
        raise ImageError("has floating-point samples, which are not read; convert it to 8 bits")
    if samples.ndim == 3 and samples.shape[-1] == 1:
        samples = samples[..., 0]
    image = Image.fromarray(to_bytes(samples, bit_depth))
    return pixels_of(image, channels)


@functools.cache
def _is_installed() -> bool:
    return importlib.util.find_spec("imagecodecs") is not None


def _codestream(content: bytes) -> bytes:
    """Returns the beginning of the image among the boxes of a container."""
    if content.startswith(CODESTREAM):
        return content
    at = 0
    while at + 8 <= len(content):
        length, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        start = at + 8
        if length == 1:
            length, start = int.from_bytes(content[start : start + 8], "big"), start + 8
        if kind in (b"jxlc", b"jxlp"):
            return content[start + (4 if kind == b"jxlp" else 0) :]
        if length < 8:
            break  # It reaches to the end, or is damaged.
        at += length
    return b""
