"""Images with transparent pixels."""

from dlcv.interfaces import plugin
from dlcv_plugins.checks.image_check import ImageCheck
from dlcv_plugins.kinds.check import ImageFacts


@plugin
class TransparentImages(ImageCheck):
    """Finds images with transparent pixels, whose hidden colors a network would see."""

    finding = "transparent"
    severity = "warning"
    singular = "has transparent pixels, whose hidden colors are used"
    plural = "have transparent pixels, whose hidden colors are used"
    advice = "put them on a background of one color and save them without transparency"

    def detail(self, image: ImageFacts) -> str:
        """Returns how the pixels are stored."""
        return image.header.mode if image.header and image.header.has_transparency else ""
