"""Elastic distortion."""

from typing import TYPE_CHECKING

from dlcv.interfaces import ImagePreprocessor, option, plugin

if TYPE_CHECKING:
    import numpy as np

REACH = 4.0
"""Standard deviations after which the Gaussian is cut off."""


@plugin
class Elastic(ImagePreprocessor):
    """Moves each pixel a little at random, neighbors alike, in training (elastic distortion).

    Simard, Steinkraus & Platt 2003, "Best Practices for Convolutional Neural Networks Applied to
    Visual Document Analysis": displacements drawn evenly from -1 to 1 for each pixel and direction,
    smoothed by a Gaussian and multiplied by a factor; values between pixels are interpolated, and
    the border is repeated outwards. The defaults are theirs, for digits of 28 x 28 pixels, and move
    pixels by some 1.4 pixels; larger images want larger numbers.
    """

    alpha: float = option(34.0, help="factor on the smoothed displacements, in pixels", ge=0)
    sigma: float = option(
        4.0,
        help="standard deviation of the Gaussian in pixels; larger moves wider areas",
        gt=0,
    )

    def process(self, image: "np.ndarray", rng: "np.random.Generator | None") -> "np.ndarray":
        """Distorts one image, `(H, W, C)` uint8, in training; otherwise it stays as it is."""
        if rng is None or not self.alpha:
            return image
        import cv2
        import numpy as np

        height, width = image.shape[:2]
        columns, rows = self.displacements((height, width), rng)
        grid_rows, grid_columns = np.mgrid[:height, :width].astype(np.float32)
        moved = cv2.remap(
            image,
            grid_columns + columns,
            grid_rows + rows,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return moved.reshape(image.shape)

    def displacements(self, size: tuple[int, int], rng: "np.random.Generator") -> "np.ndarray":
        """Returns how far each pixel is moved, `(2, H, W)` float32 pixels: columns, then rows."""
        import cv2
        import numpy as np

        drawn = rng.uniform(-1, 1, (2, *size)).astype(np.float32)
        side = 2 * int(REACH * self.sigma + 0.5) + 1
        smooth = [
            cv2.GaussianBlur(field, (side, side), self.sigma, borderType=cv2.BORDER_CONSTANT)
            for field in drawn
        ]
        return self.alpha * np.stack(smooth)
