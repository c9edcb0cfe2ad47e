"""JPEG files, decoded strictly: what is cut off or garbled is refused, whatever is left of it.

OpenCV takes a file that was cut off and closed again with an end marker, and gives a picture whose
rest is grey. libjpeg warns of these; the pixels of good files are the same, bit by bit.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dlcv.errors import ImageError

if TYPE_CHECKING:
    import numpy as np

DAMAGE = re.compile(
    "premature end of data|bad Huffman code|progression|instead of RST|before marker 0xd[0-7]"
)
"""What libjpeg says when parts of a picture are missing or garbled; its other warnings are about
files that odd programs wrote and everything reads."""
START = b"\xff\xd8"
EXIF = b"Exif\0\0"
EXIF_SEGMENT = 0xE1
"""The marker of the segments that hold EXIF: APP1."""
SCAN, END = 0xDA, 0xD9
"""The markers behind which a picture has no more segments of its own."""
STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
"""The markers of segments without a length."""
ORIENTATION_TAG = 0x0112


def decode(content: bytes, *, channels: int) -> "np.ndarray | None":
    """Decodes a JPEG upright, as its EXIF orientation says.

    Args:
        content: The file's bytes.
        channels: 3 for RGB, 1 for grey.

    Returns:
        `(H, W, channels)` uint8; None for what is left to OpenCV: other formats, printing inks,
        and what odd programs write.

    Raises:
        ImageError: a part of the picture is missing or garbled.
    """
    import simplejpeg

    if not content.startswith(START):
        return None
    try:
        image = simplejpeg.decode_jpeg(content, "RGB" if channels == 3 else "GRAY")
    except ValueError as error:
        if DAMAGE.search(str(error)):
            raise ImageError(
                f"can't be decoded completely; it is damaged or cut off ({error})"
            ) from None
        return None
    return _upright(image, _orientation(content)) if EXIF in content else image


def _orientation(content: bytes) -> int:
    """Returns the EXIF orientation; 1, upright, where there is none that exists."""
    exif = next(filter(lambda segment: segment.startswith(EXIF), _exif_segments(content)), None)
    if exif is None:
        return 1
    from PIL import Image

    entries = Image.Exif()
    try:
        entries.load(exif)
        value = entries.get(ORIENTATION_TAG, 1)
    except Exception:
        return 1  # Damaged entries raise many things.
    return value if value in range(1, 9) else 1


def _exif_segments(content: bytes) -> Iterator[bytes]:
    """Yields the content of the segments that may hold the picture's own EXIF.

    Thumbnails in other segments, and pictures behind this one, may have an EXIF of theirs.
    """
    at = len(START)
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:  # Any number of these may go before a marker.
            at += 1
            continue
        if marker in STANDALONE:
            at += 2
            continue
        if marker in (SCAN, END):
            return
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        if marker == EXIF_SEGMENT:
            yield content[at + 4 : at + 2 + length]
        at += 2 + max(length, 2)


def _upright(image: "np.ndarray", orientation: int) -> "np.ndarray":
    """Turns and mirrors an image as an orientation of the EXIF standard says."""
    import numpy as np

    if orientation >= 5:
        image = image.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)
