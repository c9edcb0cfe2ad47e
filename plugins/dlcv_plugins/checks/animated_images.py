"""Files that hold several frames or pages."""

from dlcv.interfaces import plugin
from dlcv_plugins.checks.image_check import ImageCheck
from dlcv_plugins.kinds.check import ImageFacts


@plugin
class AnimatedImages(ImageCheck):
    """Finds animations and files of several pages, of which only the first is used."""

    finding = "animated"
    severity = "warning"
    singular = "holds several frames or pages, of which the first is used"
    plural = "hold several frames or pages, of which the first is used"
    advice = "save the frame that shows the class as an image of its own"

    def detail(self, image: ImageFacts) -> str:
        """Returns the number of frames; an image that can't be read is another check's."""
        if image.header is None or image.problem or image.header.frames <= 1:
            return ""
        return f"{image.header.frames} frames"
