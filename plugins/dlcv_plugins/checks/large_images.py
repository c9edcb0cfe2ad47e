"""Images that take longer to decode than to train on."""

from dlcv.interfaces import option, plugin
from dlcv_plugins.checks.image_check import ImageCheck
from dlcv_plugins.kinds.check import ImageFacts


@plugin
class LargeImages(ImageCheck):
    """Finds images that take longer to decode than to train on."""

    megapixels: float = option(25.0, help="millions of pixels above which an image counts", gt=0)

    finding = "enormous"
    is_seen = False
    severity = "note"
    singular = "has more than {megapixels:g} million pixels"
    plural = "have more than {megapixels:g} million pixels"
    advice = "pack the data set once with dlcv data build: decoding takes longer than training"

    def detail(self, image: ImageFacts) -> str:
        """Returns the size."""
        pixels = image.pixels
        if pixels is None or pixels.height * pixels.width <= 1_000_000 * self.megapixels:
            return ""
        return f"{pixels.height} x {pixels.width}"
