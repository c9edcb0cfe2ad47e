"""Images: found, decoded from bytes, resized; what every image-reading plugin uses.

Everything is uint8, `(H, W, C)`, RGB or grayscale. Resizing stays in uint8 with area or linear
interpolation, which give the same bits with any number of threads and any OpenCV since 4.12.
"""

from dlcv.images.depth import (
    ALL_BITS,
    BitDepth,
    hint_at_unused_bits,
    recorded_bit_depth,
    to_bytes,
)
from dlcv.images.folders import (
    EXTENSIONS,
    STRAY_FOLDERS,
    UNREAD_EXTENSIONS,
    image_files,
    is_image_file,
    is_stray_folder,
    unread_by_extension,
    walk_files,
    warn_of_unread,
)
from dlcv.images.pillow_pixels import pixels_of
from dlcv.images.reading import (
    DECODABLE_PIXELS,
    FORMATS,
    LARGEST_IMAGE_PIXELS,
    LARGEST_IMAGE_VARIABLE,
    ColorMode,
    ImageFiles,
    decode,
    largest_image_pixels,
    read_content,
    read_image,
)
from dlcv.images.resizing import Interpolation, pair, resize

__all__ = [
    "ALL_BITS", "DECODABLE_PIXELS", "EXTENSIONS", "FORMATS", "LARGEST_IMAGE_PIXELS",
    "LARGEST_IMAGE_VARIABLE", "STRAY_FOLDERS", "UNREAD_EXTENSIONS", "BitDepth", "ColorMode",
    "ImageFiles", "Interpolation", "decode", "hint_at_unused_bits", "image_files", "is_image_file",
    "is_stray_folder", "largest_image_pixels", "pair", "pixels_of", "read_content", "read_image",
    "recorded_bit_depth", "resize", "to_bytes", "unread_by_extension", "walk_files",
    "warn_of_unread",
]  # fmt: skip
