"""Images: decoded from bytes, resized, cropped; what every image-reading plugin uses.

Everything is uint8, `(H, W, C)`, RGB or grey. Resizing stays in uint8 with area or linear
interpolation, which give the same bits with any number of threads and any OpenCV since 4.12.
"""

import hashlib
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dlcv.errors import ImageError
from dlcv.interfaces import Images, LabelledImages, stack

if TYPE_CHECKING:
    import numpy as np

EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
"""The file extensions of images, in lower case."""
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
"""The formats that are decoded; the content decides, not the extension."""
LARGEST_IMAGE_PIXELS = 100_000_000
"""Images of more pixels are refused before they are decoded."""

ColorMode = Literal["rgb", "grayscale"]
Interpolation = Literal["area", "linear", "nearest"]


class ImageFiles(LabelledImages):
    """Images in files of their own, decoded when they are read."""

    def __init__(
        self,
        paths: Sequence[str],
        labels: "np.ndarray",
        label_names: Sequence[str],
        *,
        color_mode: ColorMode = "rgb",
        root: str | os.PathLike[str] = ".",
    ) -> None:
        """Lists the images.

        Args:
            paths: Their files.
            labels: `(N,)` int64, indices into `label_names`.
            label_names: The classes' names.
            color_mode: `rgb` for three channels, `grayscale` for one.
            root: The folder below which the files' names tell them apart.
        """
        self.labels = labels
        self.label_names = tuple(label_names)
        self.image_shape = (None, None, 3 if color_mode == "rgb" else 1)
        self._paths = paths
        self._color_mode = color_mode
        self._root = root

    def read(self, indices: "Sequence[int] | np.ndarray") -> Images:
        """Decodes images by index."""
        decoded = []
        for position, index in enumerate(indices):
            try:
                decoded.append(read_image(self._paths[index], self._color_mode))
            except ImageError as error:
                error.index = position
                raise
        return stack(decoded)

    def sample_id(self, index: int) -> str:
        """Returns the image's path."""
        return self._paths[index]

    def fingerprint(self) -> str:
        """Returns a hash of the labels, the files' names below the root, and their sizes."""
        digest = hashlib.sha256(self.labels.astype("<i8").tobytes())
        for path in self._paths:
            name = os.fsencode(os.path.relpath(path, self._root))
            digest.update(name + f"\0{os.path.getsize(path)}\n".encode())
        return digest.hexdigest()


def is_image_file(path: Path) -> bool:
    """Returns whether a path looks like an image that people put there, by its name alone."""
    return path.suffix.lower() in EXTENSIONS and not path.name.startswith(".")


def read_image(path: str | os.PathLike[str], color_mode: ColorMode = "rgb") -> "np.ndarray":
    """Reads an image file; takes and returns what `decode` does.

    Raises:
        ImageError: the file can't be read or decoded completely; the message names it.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ImageError(error.strerror or str(error), name=os.fspath(path)) from None
    try:
        return decode(content, color_mode)
    except ImageError as error:
        raise ImageError(error.reason, name=os.fspath(path)) from None


def decode(content: bytes, color_mode: ColorMode = "rgb") -> "np.ndarray":
    """Decodes an image as people see it, EXIF orientation applied.

    Args:
        content: A JPEG, PNG, WebP, BMP or TIFF file's bytes.
        color_mode: `rgb` for three channels, `grayscale` for one.

    Returns:
        `(H, W, C)` uint8.

    Raises:
        ImageError: it is no such image, is cut off, or has more than `LARGEST_IMAGE_PIXELS`.
    """
    import cv2
    import numpy as np

    _check_header(content)
    flag = cv2.IMREAD_COLOR_RGB if color_mode == "rgb" else cv2.IMREAD_GRAYSCALE
    try:
        # From bytes, never by path: imread returns half-grey pictures for files that are cut off.
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flag)
    except cv2.error as error:
        raise ImageError(f"can't be decoded: {error.err}") from None
    if image is None:
        raise ImageError("can't be decoded completely; it is damaged or cut off")
    return image[..., np.newaxis] if image.ndim == 2 else image


def resize(
    image: "np.ndarray", size: tuple[int, int], interpolation: Interpolation = "area"
) -> "np.ndarray":
    """Resizes an image, ignoring its aspect ratio.

    Args:
        image: `(H, W, C)` uint8.
        size: `(height, width)` in pixels.
        interpolation: How values between pixels are found.
    """
    import cv2

    height, width = size
    if image.shape[:2] == (height, width):
        return image
    method = {
        "area": cv2.INTER_AREA,
        "linear": cv2.INTER_LINEAR,
        "nearest": cv2.INTER_NEAREST,
    }[interpolation]
    resized: np.ndarray = cv2.resize(image, (width, height), interpolation=method)
    return resized if resized.ndim == 3 else resized[..., None]


def pair(size: int | tuple[int, int]) -> tuple[int, int]:
    """Returns a size as `(height, width)`: one number stands for a square."""
    return (size, size) if isinstance(size, int) else size


def _check_header(content: bytes) -> None:
    """Refuses what is no image, or too large, from the header alone, before memory is spent."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as header:
            width, height = header.size
    except UnidentifiedImageError:
        known = f"is no image of a known format ({', '.join(FORMATS)}), or its header is damaged"
        raise ImageError(known if content else "is empty") from None
    except Image.DecompressionBombError:
        # Pillow's own limit, some way above ours.
        raise ImageError(f"has more pixels than the limit of {LARGEST_IMAGE_PIXELS:,}") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise ImageError(f"has a damaged header: {error}") from None
    if width * height > LARGEST_IMAGE_PIXELS:
        raise ImageError(
            f"has {width} x {height} pixels, more than the limit of {LARGEST_IMAGE_PIXELS:,}"
        )
