"""Damaged images, empty files, and formats that are not decoded."""

from dlcv import images
from dlcv.interfaces import plugin
from dlcv_plugins.checks.image_check import ImageCheck
from dlcv_plugins.kinds.check import ImageFacts


@plugin
class UnreadableFiles(ImageCheck):
    """Finds images that can't be decoded completely: damaged, cut off, or of another format."""

    finding = "unreadable"
    is_seen = False
    severity = "error"
    singular = "can't be read completely"
    plural = "can't be read completely"
    advice = (
        "download or copy the files again, or remove them; --bad-images skip leaves them out of a "
        "run"
    )

    def detail(self, image: ImageFacts) -> str:
        """Returns why an image can't be decoded; images that are too large are another check's."""
        header = image.header
        if not image.problem or (header and header.is_too_large):
            return ""
        if header and header.format and header.format not in images.FORMATS:
            known = ", ".join(images.FORMATS)
            return f"is {header.format}, which isn't supported; supported formats: {known}"
        return image.problem
