"""Images that show nothing."""

from dlcv.interfaces import plugin
from dlcv_plugins.checks.image_check import ImageCheck
from dlcv_plugins.kinds.check import ImageFacts


@plugin
class BlankImages(ImageCheck):
    """Finds images of one color all over, such as the placeholder of a failed download."""

    finding = "blank"
    severity = "warning"
    singular = "has one color all over"
    plural = "have one color all over"
    advice = "remove them: they show nothing, such as the placeholders of a failed download"

    def detail(self, image: ImageFacts) -> str:
        """Returns the size."""
        pixels = image.pixels
        return f"{pixels.height} x {pixels.width}" if pixels and pixels.is_blank else ""
