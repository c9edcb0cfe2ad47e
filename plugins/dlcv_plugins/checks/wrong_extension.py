"""File extensions that belong to another format."""

import os

from dlcv.interfaces import plugin
from dlcv_plugins.checks.image_check import ImageCheck
from dlcv_plugins.kinds.check import ImageFacts

EXTENSIONS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "AVIF": (".avif",),
    "JPEG2000": (".jp2", ".j2k"),
    "HEIF": (".heic", ".heif", ".hif"),
}
"""The file extensions of each format, in lower case."""


@plugin
class WrongExtension(ImageCheck):
    """Finds images whose file extension belongs to another format, such as a PNG named .jpg."""

    finding = "wrong-extension"
    is_seen = False
    severity = "note"
    singular = "has the extension of another format"
    plural = "have the extension of another format"
    advice = "rename them: dlcv goes by the content, but other tools may refuse them"

    def detail(self, image: ImageFacts) -> str:
        """Returns the format that the content has."""
        if not image.path or image.header is None or image.header.format not in EXTENSIONS:
            return ""
        extension = os.path.splitext(image.path)[1].lower()
        is_right = extension in EXTENSIONS[image.header.format]
        return "" if is_right else f"is {image.header.format}"
