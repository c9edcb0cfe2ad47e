"""Images with more pixels than dlcv decodes."""

from dlcv.images import LARGEST_IMAGE_VARIABLE
from dlcv.interfaces import plugin
from dlcv_plugins.checks.image_check import ImageCheck
from dlcv_plugins.kinds.check import ImageFacts


@plugin
class OversizedImages(ImageCheck):
    """Finds images that are refused for their number of pixels, before they fill the memory."""

    finding = "too-large"
    is_seen = False
    severity = "error"
    singular = "has too many pixels and is refused"
    plural = "have too many pixels and are refused"
    advice = (
        "shrink or remove them: a small file can claim a size that fills the memory; the "
        f"environment variable {LARGEST_IMAGE_VARIABLE} raises the limit"
    )

    def detail(self, image: ImageFacts) -> str:
        """Returns why an image is refused."""
        return image.problem if image.header and image.header.is_too_large else ""
