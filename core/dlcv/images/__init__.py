"""Images: decoded from bytes, resized, cropped; what every image-reading plugin uses.

Everything is uint8, `(H, W, C)`, RGB or grey. Resizing stays in uint8 with area or linear
interpolation, which give the same bits with any number of threads and any OpenCV since 4.12.
"""

import hashlib
import logging
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dlcv.errors import DlcvError, ImageError
from dlcv.images import header as image_header
from dlcv.images import jpeg
from dlcv.interfaces import Images, LabelledImages, stack

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger(__name__)

EXTENSIONS = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff"})
"""The file extensions of images, in lower case."""
UNREAD_EXTENSIONS = frozenset(
    {".avif", ".cr2", ".dng", ".gif", ".heic", ".heif", ".ico", ".j2k", ".jp2", ".jxl", ".nef"}
    | {".pbm", ".pgm", ".ppm", ".psd", ".svg", ".tga", ".xcf"}
)
"""Those of images in formats that are not read, in lower case."""
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
"""The formats that are decoded; the content decides, not the extension."""
LARGEST_IMAGE_PIXELS = 100_000_000
"""Images of more pixels are refused before they are decoded, unless a user asks for more."""
LARGEST_IMAGE_VARIABLE = "DLCV_MAX_IMAGE_PIXELS"
"""The environment variable by which a user asks for more, or less."""
DECODABLE_PIXELS = 2**30
"""OpenCV decodes no image of more pixels."""
STRAY_FOLDERS = frozenset(
    {"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found"}
)
"""Folders that systems and archives leave beside people's own."""

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
            # A link to nowhere is no reason to stop where unreadable images are left out.
            size = os.path.getsize(path) if os.path.exists(path) else -1
            digest.update(name + f"\0{size}\n".encode())
        return digest.hexdigest()


def image_files(folder: str | os.PathLike[str]) -> Iterator[str]:
    """Yields the paths of all images among the files that `walk_files` yields."""
    return filter(is_image_file, walk_files(folder))


def walk_files(folder: str | os.PathLike[str]) -> Iterator[str]:
    """Yields the paths of all files in a folder and the folders below it, in no certain order.

    Links are followed; hidden folders and `STRAY_FOLDERS` are left out.

    Raises:
        OSError: a folder can't be read.
    """
    seen = set()
    for parent, folders, names in os.walk(folder, followlinks=True, onerror=_raise):
        # A link that leads to a folder around it would give every image many times.
        if (place := os.path.realpath(parent)) in seen:
            folders.clear()
            continue
        seen.add(place)
        folders[:] = [name for name in folders if not is_stray_folder(name)]
        for name in names:
            yield os.path.join(parent, name)


def is_image_file(path: str | os.PathLike[str]) -> bool:
    """Returns whether a path looks like an image that people put there, by its name alone."""
    return _has_extension(path, EXTENSIONS)


def warn_of_unread(files: Iterable[str], place: object) -> None:
    """Warns of images in formats that are not read, so that none is left out in silence."""
    unread = unread_by_extension(files)
    if unread:
        logger.warning(
            "%s: images of unread formats are left out (%s); convert them to JPEG or PNG",
            place,
            ", ".join(f"{count:,} {extension}" for extension, count in unread.items()),
        )


def unread_by_extension(files: Iterable[str]) -> dict[str, int]:
    """Returns how many images in formats that are not read there are by extension, most first."""
    unread = (path for path in files if _has_extension(path, UNREAD_EXTENSIONS))
    return dict(Counter(os.path.splitext(path)[1].lower() for path in unread).most_common())


def _has_extension(path: str | os.PathLike[str], extensions: frozenset[str]) -> bool:
    """Returns whether a file that is not hidden has one of some extensions."""
    name = os.path.basename(path)
    return os.path.splitext(name)[1].lower() in extensions and not name.startswith(".")


def is_stray_folder(name: str) -> bool:
    """Returns whether a folder is hidden, or one that systems leave behind, by its name alone."""
    return name.startswith(".") or name in STRAY_FOLDERS


def read_image(path: str | os.PathLike[str], color_mode: ColorMode = "rgb") -> "np.ndarray":
    """Reads an image file; takes and returns what `decode` does.

    Raises:
        ImageError: the file can't be read or decoded completely; the message names it.
    """
    try:
        return decode(read_content(path), color_mode)
    except ImageError as error:
        raise ImageError(error.reason, name=os.fspath(path)) from None


def read_content(path: str | os.PathLike[str]) -> bytes:
    """Returns a file's bytes.

    Raises:
        ImageError: it can't be read, or is a pipe or a device, which may never end.
    """
    try:
        mode = os.stat(path).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise ImageError("is no file, but a pipe or a device")
        return Path(path).read_bytes()
    except OSError as error:
        raise ImageError(error.strerror or str(error)) from None


def decode(content: bytes, color_mode: ColorMode = "rgb") -> "np.ndarray":
    """Decodes an image as people see it, EXIF orientation applied.

    Args:
        content: A JPEG, PNG, WebP, BMP or TIFF file's bytes.
        color_mode: `rgb` for three channels, `grayscale` for one.

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
    strictly = jpeg.decode(content, channels=3 if color_mode == "rgb" else 1)
    if strictly is not None:
        return strictly
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
    size = image_header.size_of(content)
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


def _raise(error: OSError) -> None:
    raise error
