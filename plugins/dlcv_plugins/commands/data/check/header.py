"""What an image file states about itself, beside its pixels."""

import io
from typing import TYPE_CHECKING

import attrs

from dlcv import images
from dlcv.images.jpeg import ORIENTATION_TAG
from dlcv_plugins.image_formats.pillow_formats import enable_heif
from dlcv_plugins.kinds.check import FileHeader

if TYPE_CHECKING:
    from PIL import Image

PNG_START = b"\x89PNG\r\n\x1a\n"
TEXTS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")
BITS_TAG = 258
"""TIFF's BitsPerSample."""


def read_header(content: bytes) -> FileHeader | None:
    """Returns what a file states about itself, None if Pillow doesn't know it for an image."""
    from PIL import Image

    enable_heif()
    limit = images.largest_image_pixels()
    try:
        with Image.open(io.BytesIO(_without_texts(content))) as opened:
            width, height = opened.size
            # Photos of some phones are JPEG files with further pictures behind the first.
            name = "JPEG" if opened.format == "MPO" else str(opened.format)
            header = FileHeader(name, opened.mode, height, width)
            if height * width > limit:
                return attrs.evolve(header, is_too_large=True)
            return attrs.evolve(
                header,
                orientation=_orientation(opened, content),
                frames=1 if name == "JPEG" else getattr(opened, "n_frames", 1),
                bits=_bits(opened, content),
                has_transparency=_has_transparency(opened),
            )
    except Image.DecompressionBombError:
        # Pillow refuses twice its own limit, and does not report the size.
        largest = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        return FileHeader("", "", 1, largest, is_too_large=largest > limit)
    except Exception:
        # Damaged headers raise many things; decoding reports what is wrong.
        return None


def _without_texts(content: bytes) -> bytes:
    """Returns a PNG file without texts and color profile, others as they are.

    Pillow gives up where these are longer than a limit; OpenCV decodes such images.
    """
    if not content.startswith(PNG_START):
        return content
    kept, at = [PNG_START], len(PNG_START)
    while at < len(content):
        # A chunk has its length, its kind, its content, and a checksum.
        end = at + 12 + int.from_bytes(content[at : at + 4], "big")
        if content[at + 4 : at + 8] not in TEXTS:
            kept.append(content[at:end])
        at = end
    return b"".join(kept)


def _orientation(opened: "Image.Image", content: bytes) -> int:
    if opened.format == "PNG" and b"eXIf" not in content:
        return 1  # Pillow would decode the whole image in search of it.
    value = opened.getexif().get(ORIENTATION_TAG, 1)
    return value if value in range(1, 9) else 1


def _bits(opened: "Image.Image", content: bytes) -> int:
    if opened.format == "PNG":
        return content[24]
    if opened.format == "TIFF":
        return max(opened.tag_v2.get(BITS_TAG, (8,)))  # type: ignore[attr-defined]
    return 8


def _has_transparency(opened: "Image.Image") -> bool:
    if not opened.has_transparency_data:
        return False
    lowest, _ = opened.convert("RGBA").getchannel("A").getextrema()
    return lowest < 255  # type: ignore[operator]
