"""Images in printing inks."""

from dlcv.interfaces import plugin
from dlcv_plugins.checks.image_check import ImageCheck
from dlcv_plugins.kinds.check import ImageFacts


@plugin
class CmykImages(ImageCheck):
    """Finds images that are stored in printing inks (CMYK), whose colors may be off."""

    finding = "cmyk"
    severity = "note"
    singular = "is stored in printing inks (CMYK)"
    plural = "are stored in printing inks (CMYK)"
    advice = (
        "convert them to RGB where color matters: dlcv converts them without a color profile, so "
        "colors may be off"
    )

    def detail(self, image: ImageFacts) -> str:
        """Returns how the pixels are stored."""
        return "CMYK" if image.header and image.header.mode == "CMYK" else ""
