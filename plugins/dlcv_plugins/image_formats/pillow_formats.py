"""GIF, AVIF, JPEG 2000 and HEIF, which Pillow decodes; the last with the package pillow-heif.

Of animations and bursts the first frame is read.
"""

import functools
import io
from typing import TYPE_CHECKING, Any

from dlcv.errors import ImageError
from dlcv.images import ALL_BITS, BitDepth, pixels_of

if TYPE_CHECKING:
    import numpy as np

BRANDS = {"AVIF": (b"avif", b"avis"), "HEIF": (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis",
                                               b"mif1", b"msf1")}  # fmt: skip
"""The first brands of files that ISO's media file format has room for."""
STARTS = {
    "GIF": (b"GIF87a", b"GIF89a"),
    "JPEG2000": (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"),
}


def format_of(content: bytes) -> str | None:
    """Returns `GIF`, `AVIF`, `JPEG2000` or `HEIF` by a file's first bytes, None for others."""
    if content[4:8] == b"ftyp":
        return next((name for name, brands in BRANDS.items() if content[8:12] in brands), None)
    return next((name for name, starts in STARTS.items() if content.startswith(starts)), None)


@functools.cache
def enable_heif() -> bool:
    """Lets Pillow read HEIF; returns False where the package pillow-heif is not installed."""
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener(thumbnails=False)
    return True


def size_of(content: bytes) -> tuple[int, int] | None:
    """Returns the width and height of an image; None for what is none of these formats.

    Raises:
        ImageError: the header is damaged, or what reads the format is not installed.
    """
    name = format_of(content)
    if name is None:
        return None
    try:
        with _reader(name)(io.BytesIO(content)) as header:
            size: tuple[int, int] = header.size
            return size
    except ImageError:
        raise
    except Exception as error:
        # Libraries of many formats raise many things.
        raise ImageError(f"has a damaged header: {error}") from None


def decode(content: bytes, *, channels: int, bit_depth: BitDepth = ALL_BITS) -> "np.ndarray | None":
    """Decodes an image upright; alpha is dropped.

    Args:
        content: The file's bytes, with a header that can be read.
        channels: 3 for RGB, 1 for grayscale.
        bit_depth: What `to_bytes` takes, for samples of 16 bits.

    Returns:
        `(H, W, channels)` uint8; None for other formats.

    Raises:
        ImageError: a part of the image is missing or garbled.
    """
    name = format_of(content)
    if name is None:
        return None
    from PIL import ImageOps

    try:
        with _reader(name)(io.BytesIO(content)) as file:
            stated = file.size
            file.load()
            if file.size != stated:
                raise ImageError(f"its header states {stated}, and it has {file.size}")
            return pixels_of(ImageOps.exif_transpose(file), channels, bit_depth)
    except Exception as error:
        raise ImageError(
            f"can't be decoded completely; it is damaged or cut off ({error})"
        ) from None


def _reader(name: str) -> Any:
    """Returns Pillow's class for a format; `Image.open` would try all, with limits of its own."""
    if name == "GIF":
        from PIL.GifImagePlugin import GifImageFile

        return GifImageFile
    if name == "AVIF":
        from PIL.AvifImagePlugin import AvifImageFile

        return AvifImageFile
    if name == "JPEG2000":
        from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

        return Jpeg2KImageFile
    if not enable_heif():
        raise ImageError("is HEIF; `pip install 'dlcv[heif]'` lets dlcv read it")
    from pillow_heif import HeifImageFile

    return HeifImageFile
