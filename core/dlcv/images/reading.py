"""Image files: read, and decoded to pixels."""

import functools
import hashlib
import os
import stat
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from dlcv import files
from dlcv.errors import DlcvError, ImageError
from dlcv.images import header, jpeg
from dlcv.images.depth import ALL_BITS, BitDepth, hint_at_unused_bits, to_bytes
from dlcv.images.further_formats import further_formats
from dlcv.interfaces import Images, LabelledImages, stack
from dlcv.progress import track

if TYPE_CHECKING:
    import numpy as np

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "JPEG2000", "HEIF", "JPEG XL")
"""The formats that are decoded; the content decides, not the extension."""
LARGEST_IMAGE_PIXELS = 100_000_000
"""Images of more pixels are refused before they are decoded, unless a user asks for more."""
LARGEST_IMAGE_VARIABLE = "DLCV_MAX_IMAGE_PIXELS"
"""The environment variable by which a user asks for more, or less."""
DECODABLE_PIXELS = 2**30
"""OpenCV decodes no image of more pixels."""

ColorMode = Literal["rgb", "grayscale"]


class ImageFiles(LabelledImages):
    """Images in files of their own, decoded when they are read."""

    def __init__(
        self,
        paths: Sequence[str],
        labels: "np.ndarray",
        label_names: Sequence[str],
        *,
        color_mode: ColorMode = "rgb",
        bit_depth: BitDepth = ALL_BITS,
        root: str | os.PathLike[str] = ".",
    ) -> None:
        """Lists the images.

        Args:
            paths: Their files.
            labels: `(N,)` int64, indices into `label_names`.
            label_names: The classes' names.
            color_mode: `rgb` for three channels, `grayscale` for one.
            bit_depth: The bits that 16-bit samples use, or `stretch`, as `decode` takes it.
            root: The folder below which the files' names tell them apart.
        """
        self.labels = labels
        self.label_names = tuple(label_names)
        self.image_shape = (None, None, 3 if color_mode == "rgb" else 1)
        self._paths = paths
        self._color_mode = color_mode
        self.bit_depth = bit_depth
        self._root = root

    def read(self, indices: "Sequence[int] | np.ndarray") -> Images:
        """Decodes images by index."""
        decoded = []
        for position, index in enumerate(indices):
            try:
                decoded.append(read_image(self._paths[index], self._color_mode, self.bit_depth))
            except ImageError as error:
                error.index = position
                raise
        return stack(decoded)

    def sample_id(self, index: int) -> str:
        """Returns the image's path."""
        return self._paths[index]

    def fingerprint(self) -> str:
        """Returns a hash of the labels, the files' names below the root, and their contents.

        Within a process a content is read once, and again where a file's size or time changed.
        """
        return self._hash(_content_digest)

    def earlier_fingerprints(self) -> tuple[str, ...]:
        """Returns the hash with the files' sizes instead of their contents."""
        return (self._hash(_size),)

    def _hash(self, describe: Callable[[str], bytes]) -> str:
        digest = hashlib.sha256(self.labels.astype("<i8").tobytes())
        if self.bit_depth != ALL_BITS:
            digest.update(f"bit_depth={self.bit_depth}".encode())
        with track("reading the files", len(self._paths), unit="images") as progress:
            for number, path in enumerate(self._paths, 1):
                name = os.fsencode(os.path.relpath(path, self._root))
                digest.update(name + b"\0" + describe(path) + b"\n")
                if number % 100 == 0:  # A step of the bar takes as long as some files.
                    progress(100)
        return digest.hexdigest()


def _size(path: str) -> bytes:
    # A link to nowhere is no reason to stop where unreadable images are left out.
    return str(os.path.getsize(path) if os.path.exists(path) else -1).encode()


def _content_digest(path: str) -> bytes:
    try:
        status = os.stat(path)
        if stat.S_ISREG(status.st_mode):
            return _digest(path, status.st_size, status.st_mtime_ns)
    except OSError:
        pass  # What can't be read is left out elsewhere, or ends the run with its name.
    return b"unreadable"


@functools.lru_cache(maxsize=2**20)
def _digest(path: str, size: int, modified_nanoseconds: int) -> bytes:
    """Returns the sha256 of a file's content; size and time say when it has to be read again."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def read_image(
    path: str | os.PathLike[str], color_mode: ColorMode = "rgb", bit_depth: BitDepth = ALL_BITS
) -> "np.ndarray":
    """Reads an image file; takes and returns what `decode` does.

    Raises:
        ImageError: the file can't be read or decoded completely; the message names it.
    """
    try:
        return decode(read_content(path), color_mode, bit_depth)
    except ImageError as error:
        raise ImageError(error.reason, name=os.fspath(path)) from None


def read_content(path: str | os.PathLike[str]) -> bytes:
    """Returns a file's bytes.

    Raises:
        ImageError: it can't be read, or is a pipe or a device, which may never end.
    """
    try:
        return files.read(path)
    except OSError as error:
        raise ImageError(error.strerror or str(error)) from None


def decode(
    content: bytes, color_mode: ColorMode = "rgb", bit_depth: BitDepth = ALL_BITS
) -> "np.ndarray":
    """Decodes an image as people see it, EXIF orientation applied.

    Args:
        content: A file's bytes, in one of `FORMATS`; HEIF needs the package pillow-heif,
            JPEG XL imagecodecs.
        color_mode: `rgb` for three channels, `grayscale` for one.
        bit_depth: The bits that samples of 16 bits use, of which the upper 8 are taken; `stretch`
            for the range of the image's own values.

    Returns:
        `(H, W, C)` uint8.

    Raises:
        ImageError: it is no such image, a part of it is missing, or it has more than
            `largest_image_pixels()`.
        DlcvError: `DLCV_MAX_IMAGE_PIXELS` holds no such number.
    """
    import cv2
    import numpy as np

    _check_header(content)
    channels = 3 if color_mode == "rgb" else 1
    if (strictly := jpeg.decode(content, channels=channels)) is not None:
        return strictly
    for form in further_formats():
        if (strictly := form.decode(content, channels=channels, bit_depth=bit_depth)) is not None:
            return strictly
    flag = cv2.IMREAD_COLOR_RGB if color_mode == "rgb" else cv2.IMREAD_GRAYSCALE
    if is_scaled := bit_depth != ALL_BITS:
        # OpenCV 5 gives black TIFFs of 16 bits for RGB; the other order is right.
        flag = (cv2.IMREAD_COLOR_BGR if channels == 3 else flag) | cv2.IMREAD_ANYDEPTH
    try:
        # From bytes, never by path: imread returns half-grey pictures for files that are cut off.
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flag)
    except cv2.error as error:
        raise ImageError(f"can't be decoded: {error.err}") from None
    if image is None:
        raise ImageError("can't be decoded completely; it is damaged or cut off")
    if is_scaled:
        image = to_bytes(image[..., ::-1] if channels == 3 else image, bit_depth)
    elif header.has_16_bits(content):
        hint_at_unused_bits(image)
    pixels = np.ascontiguousarray(image)
    return pixels[..., np.newaxis] if pixels.ndim == 2 else pixels


def largest_image_pixels() -> int:
    """Returns how many pixels an image may have: 100 million, or `DLCV_MAX_IMAGE_PIXELS`.

    Raises:
        DlcvError: the environment variable is no whole number from 1 to `DECODABLE_PIXELS`.
    """
    text = os.environ.get(LARGEST_IMAGE_VARIABLE)
    if text is None:
        return LARGEST_IMAGE_PIXELS
    pixels = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    if not 1 <= pixels <= DECODABLE_PIXELS:
        raise DlcvError(
            f"the environment variable {LARGEST_IMAGE_VARIABLE} is a whole number of pixels from "
            f'1 to {DECODABLE_PIXELS:,}, written without separators; received "{text}"'
        )
    return pixels


def _check_header(content: bytes) -> None:
    """Refuses what is no image, or too large, from the header alone, before memory is spent."""
    size = header.size_of(content)
    if size is None:
        known = f"is no image of a known format ({', '.join(FORMATS)}), or its header is damaged"
        raise ImageError(known if content else "is empty")
    width, height = size
    limit = largest_image_pixels()
    if width * height > limit:
        raise ImageError(
            f"has {width} x {height} pixels, more than the limit of {limit:,}, which the "
            f"environment variable {LARGEST_IMAGE_VARIABLE} can raise"
        )
    header.refuse_claims(content)
