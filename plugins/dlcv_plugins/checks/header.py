"""What an image file says about itself, beside its pixels."""

import io
from typing import TYPE_CHECKING

import attrs

from dlcv import images

if TYPE_CHECKING:
    from PIL import Image

ORIENTATION_TAG = 0x0112
BITS_TAG = 258


@attrs.frozen
class Header:
    """A file's properties.

    Attributes:
        format: `JPEG`, `PNG`, ...; whatever Pillow knows, also what is not decoded here. Empty for
            images so large that Pillow refuses them.
        mode: How pixels are stored, in Pillow's words: `RGB`, `L`, `CMYK`, ...
        height: In pixels, before the orientation is applied.
        width: In pixels.
        orientation: The EXIF orientation; 1 is upright.
        frames: How many pictures it holds.
        bits: Bits per channel.
        hides_pixels: Whether some pixels are transparent.
    """

    format: str
    mode: str
    height: int
    width: int
    orientation: int = 1
    frames: int = 1
    bits: int = 8
    hides_pixels: bool = False

    @property
    def is_too_large(self) -> bool:
        """Whether it is refused before it is decoded."""
        return self.height * self.width > images.largest_image_pixels()


def read_header(content: bytes) -> Header | None:
    """Returns what a file says about itself, None if it is no image that Pillow knows."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as opened:
            width, height = opened.size
            # Photos of some phones are JPEG files with more of the kind behind them.
            name = "JPEG" if opened.format == "MPO" else str(opened.format)
            header = Header(name, opened.mode, height, width)
            if header.is_too_large:
                return header
            return attrs.evolve(
                header,
                orientation=_orientation(opened, content),
                frames=1 if name == "JPEG" else getattr(opened, "n_frames", 1),
                bits=_bits(opened, content),
                hides_pixels=_hides_pixels(opened),
            )
    except Image.DecompressionBombError:
        # The size is not told, but that it is above Pillow's own limit.
        return Header("", "", 1, 2 * (Image.MAX_IMAGE_PIXELS or 0))
    except Exception:
        # Damaged headers raise many things; decoding tells what is wrong.
        return None


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


def _hides_pixels(opened: "Image.Image") -> bool:
    if not opened.has_transparency_data:
        return False
    lowest, _ = opened.convert("RGBA").getchannel("A").getextrema()
    return lowest < 255  # type: ignore[operator]
