"""Local contrast: what is too dark or too bright in a part of an image becomes visible."""

from typing import TYPE_CHECKING

from dlcv.interfaces import ImagePreprocessor, option, plugin

if TYPE_CHECKING:
    import numpy as np


@plugin
class Clahe(ImagePreprocessor):
    """Evens out light and contrast, part by part: contrast-limited adaptive equalization.

    The method is CLAHE (Zuiderveld, Contrast Limited Adaptive Histogram Equalization, Graphics
    Gems IV, 1994), as OpenCV computes it. In color images only the lightness is changed.
    """

    clip_limit: float = option(
        2.0, help="how much contrast may grow; below 1 nearly none, above 4 noise shows", gt=0
    )
    tiles: int = option(8, help="parts along each side, each with a contrast of its own", ge=1)

    def process(self, image: "np.ndarray", rng: "np.random.Generator | None") -> "np.ndarray":
        """Returns one image, `(H, W, 3)` or `(H, W, 1)` uint8, with local contrast."""
        import cv2
        import numpy as np

        # Made for each image, since threads can't share one.
        clahe = cv2.createCLAHE(self.clip_limit, (self.tiles, self.tiles))
        if image.shape[2] == 1:
            return clahe.apply(np.ascontiguousarray(image[..., 0]))[..., np.newaxis]
        lab = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2LAB)
        lab[..., 0] = clahe.apply(np.ascontiguousarray(lab[..., 0]))
        return cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)
