"""Image files in folders: which there are, and which of them are left out."""

import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator

logger = logging.getLogger(__name__)

EXTENSIONS = frozenset(
    {".avif", ".bmp", ".gif", ".heic", ".heif", ".hif", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg"}
    | {".jpg", ".jxl", ".png", ".tif", ".tiff", ".webp"}
)
"""The file extensions of images, in lower case."""
UNREAD_EXTENSIONS = frozenset(
    {".cr2", ".dng", ".exr", ".hdr", ".ico", ".nef", ".pbm", ".pgm", ".ppm", ".psd"}
    | {".svg", ".tga", ".xcf"}
)
"""Those of images in formats that are not read, in lower case."""
STRAY_FOLDERS = frozenset(
    {"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found"}
)
"""Folders that systems and archives leave beside people's own."""


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


def _raise(error: OSError) -> None:
    raise error
