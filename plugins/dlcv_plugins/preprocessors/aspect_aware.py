"""Resizing that keeps the aspect ratio."""

import math
from typing import TYPE_CHECKING

from dlcv import images
from dlcv.interfaces import option, plugin
from dlcv_plugins.preprocessors.simple import Simple

if TYPE_CHECKING:
    import numpy as np

LONGEST = 16
"""How often the size asked goes into what is resized, at most; what is beyond is never seen."""


@plugin
class AspectAware(Simple):
    """Resizes so that the shorter side fits, then cuts the middle out of the longer one.

    Both sides are multiplied with the larger of wanted height / height and wanted width / width,
    and rounded to whole pixels; where the rest is odd, the smaller half is cut off above or left.
    With `final_resize` the longer side is rounded down, and an odd rest stays in the image, which
    is resized to fit: exactly as Rosebrock (2017), chapter 2, prints it.
    """

    final_resize: bool = option(
        False,
        help="whether the longer side is rounded down, may keep a pixel too many, and is resized "
        "once more, as in Rosebrock (2017), chapter 2",
    )

    def process(self, image: "np.ndarray", rng: "np.random.Generator | None") -> "np.ndarray":
        """Resizes and crops one image, `(H, W, C)` uint8."""
        assert self.size is not None
        height, width = images.pair(self.size)
        factor = max(height / image.shape[0], width / image.shape[1])
        image = _without_far_ends(
            image, LONGEST * math.ceil(height / factor), LONGEST * math.ceil(width / factor)
        )
        if self.final_resize:
            return self._resized_twice(image, height, width)
        # Rounding must not leave a side shorter than asked.
        whole = (
            max(height, round(image.shape[0] * factor)),
            max(width, round(image.shape[1] * factor)),
        )
        resized = images.resize(image, whole, self.interpolation)
        top, left = (whole[0] - height) // 2, (whole[1] - width) // 2
        return resized[top : top + height, left : left + width]

    def _resized_twice(self, image: "np.ndarray", height: int, width: int) -> "np.ndarray":
        """Resizes, cuts and resizes as the book's program does, to the last grey level.

        It rounds the longer side down, and leaves an odd rest in the image.
        """
        rows, columns = image.shape[:2]
        top = left = 0
        if width * rows > height * columns:
            whole = (int(rows * (width / columns)), width)
            top = max(0, int((whole[0] - height) / 2))
        else:
            whole = (height, int(columns * (height / rows)))
            left = max(0, int((whole[1] - width) / 2))
        resized = images.resize(image, whole, self.interpolation)
        cut = resized[top : whole[0] - top, left : whole[1] - left]
        return images.resize(cut, (height, width), self.interpolation)


def _without_far_ends(image: "np.ndarray", height: int, width: int) -> "np.ndarray":
    """Cuts as much off both ends of a very long image, which could fill the memory if enlarged."""
    rows, columns = max(0, image.shape[0] - height) // 2, max(0, image.shape[1] - width) // 2
    return image[rows : image.shape[0] - rows, columns : image.shape[1] - columns]
