"""Images with more than 8 bits per channel."""

from dlcv.interfaces import plugin
from dlcv_plugins.checks.image_check import ImageCheck
from dlcv_plugins.kinds.check import ImageFacts

DECODED_BITS = 8


@plugin
class HighBitDepth(ImageCheck):
    """Finds images with more than 8 bits per channel, of which the upper 8 are used."""

    finding = "more-than-8-bits"
    severity = "note"
    singular = "has more than 8 bits per channel, of which the upper 8 are used"
    plural = "have more than 8 bits per channel, of which the upper 8 are used"
    advice = (
        "if they look too dark, as those of microscopes with 12 bits, read these with the store's "
        "option bit_depth=12; bit_depth=stretch takes each image's own range"
    )

    def detail(self, image: ImageFacts) -> str:
        """Returns the bits; an image that can't be read is another check's."""
        if image.header is None or image.problem or image.header.bits <= DECODED_BITS:
            return ""
        return f"{image.header.bits} bits"
