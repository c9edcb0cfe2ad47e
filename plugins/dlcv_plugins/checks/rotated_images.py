"""Images that are stored rotated or mirrored."""

from dlcv.interfaces import plugin
from dlcv_plugins.checks.image_check import ImageCheck
from dlcv_plugins.kinds.check import ImageFacts


@plugin
class RotatedImages(ImageCheck):
    """Finds images that are upright only after their EXIF orientation is applied."""

    finding = "rotated"
    is_seen = False
    severity = "note"
    singular = "is rotated or mirrored by its EXIF orientation"
    plural = "are rotated or mirrored by their EXIF orientation"
    advice = (
        "rotate the pixels themselves if you share the data: dlcv applies the orientation "
        "everywhere, other tools may not"
    )

    def detail(self, image: ImageFacts) -> str:
        """Returns the orientation."""
        upright = image.header is None or image.header.orientation == 1
        return "" if upright else f"orientation {image.header.orientation}"  # type: ignore[union-attr]
