"""The size in an image's header, before anything is decoded."""

import io

from dlcv.errors import ImageError
from dlcv.images.further_formats import further_formats

JPEG_START = b"\xff\xd8"
TIFF_STARTS = (b"II", b"MM")
PNG_START = b"\x89PNG\r\n\x1a\n"


def size_of(content: bytes) -> tuple[int, int] | None:
    """Returns the width and height in an image's header; None for what is none of these.

    Pillow's readers are called one by one, and not by `Image.open`, which warns of images of more
    than 89 million pixels and refuses those of 179 million: the limit here is the user's.

    Args:
        content: The bytes of a file.

    Raises:
        ImageError: the header is damaged, or what reads the format is not installed.
    """
    for find in (_jpeg_size, _webp_size, _png_size, *(form.size_of for form in further_formats())):
        if (size := find(content)) is not None:
            return size
    from PIL.BmpImagePlugin import BmpImageFile
    from PIL.JpegImagePlugin import JpegImageFile

    for reader in (JpegImageFile, BmpImageFile):
        try:
            with reader(io.BytesIO(content)) as header:
                return header.size
        except SyntaxError:
            continue  # It is of another format, or its header is damaged.
        except (OSError, ValueError) as error:
            raise ImageError(f"has a damaged header: {error}") from None
    return None


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    """Returns the width and height of a JPEG image; None for others, and for odd ones.

    Pillow's reader gives the same, and takes many times as long as decoding a small image does.
    """
    if not content.startswith(JPEG_START):
        return None
    import simplejpeg

    try:
        height, width, *_ = simplejpeg.decode_jpeg_header(content)
    except ValueError:
        return None
    return width, height


def has_16_bits(content: bytes) -> bool:
    """Returns whether an image that OpenCV decodes has samples of 16 bits: TIFFs of 8 are not."""
    return (
        content[24:25] == b"\x10" if content[:8] == PNG_START else content.startswith(TIFF_STARTS)
    )


def refuse_claims(content: bytes) -> None:
    """Raises an `ImageError` for a PNG image with a chunk that claims more than the file holds.

    OpenCV takes memory for a chunk before it reads it, up to 2 GB.
    """
    at = len(PNG_START) if content.startswith(PNG_START) else len(content)
    while at < len(content) and content[at + 4 : at + 8] != b"IEND":
        # A chunk has its length, its kind, its content, and a checksum.
        at += 12 + int.from_bytes(content[at : at + 4], "big")
        if at > len(content):
            raise ImageError("can't be decoded completely; it is damaged or cut off")


def _png_size(content: bytes) -> tuple[int, int] | None:
    """Returns the width and height of a PNG image; None for what is none.

    Pillow's reader refuses images whose color profile or text is long. The places are those of the
    W3C's "Portable Network Graphics (PNG) Specification".
    """
    if content[:8] != PNG_START or content[12:16] != b"IHDR" or len(content) < 33:
        return None
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    return (width, height) if 0 < width < 2**31 and 0 < height < 2**31 else None


def _webp_size(content: bytes) -> tuple[int, int] | None:
    """Returns the width and height of a WebP image; None for what is none.

    Pillow's reader takes memory for the pixels before it returns their number. The places are those
    of RFC 9649, "WebP Image Format".
    """
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP" or len(content) < 30:
        return None
    kind = content[12:16]
    if kind == b"VP8X":
        width, height = content[24:27], content[27:30]
        return int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1
    if kind == b"VP8L" and content[20] == 0x2F:
        bits = int.from_bytes(content[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and content[23:26] == b"\x9d\x01\x2a":
        bits = int.from_bytes(content[26:30], "little")
        return bits & 0x3FFF, bits >> 16 & 0x3FFF
    return None
