"""Images that are far longer than wide, or the reverse."""

from dlcv.interfaces import option, plugin
from dlcv_plugins.checks.image_check import ImageCheck
from dlcv_plugins.kinds.check import ImageFacts


@plugin
class ElongatedImages(ImageCheck):
    """Finds images so long or wide that their middle shows little of them."""

    ratio: float = option(4.0, help="longer by shorter side above which an image counts", ge=1)

    finding = "elongated"
    severity = "note"
    singular = "has a longer side of more than {ratio:g} times the shorter one"
    plural = "have a longer side of more than {ratio:g} times the shorter one"
    advice = (
        "make sure that what matters is in the middle, since aspect_aware cuts off the ends; or "
        "crop them by hand"
    )

    def detail(self, image: ImageFacts) -> str:
        """Returns the size."""
        if image.pixels is None:
            return ""
        height, width = image.pixels.height, image.pixels.width
        is_long = max(height, width) > self.ratio * min(height, width)
        return f"{height} x {width}" if is_long else ""
