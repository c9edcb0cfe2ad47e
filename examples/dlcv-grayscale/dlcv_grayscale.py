"""Removal of colour."""

from typing import TYPE_CHECKING, Literal

from dlcv.interfaces import ImagePreprocessor, Shape, option, plugin

if TYPE_CHECKING:
    import numpy as np

WEIGHTS = (0.299, 0.587, 0.114)
"""How bright red, green and blue look to people (ITU-R BT.601)."""


@plugin
class Grayscale(ImagePreprocessor):
    """Removes colour: every pixel becomes as grey as it is bright."""

    channels: Literal[1, 3] = option(
        3, help="channels of the result; 3 for networks that expect colour images"
    )

    def process(self, image: "np.ndarray", rng: "np.random.Generator | None") -> "np.ndarray":
        """Turns one image, `(H, W, 3)` or `(H, W, 1)` uint8, grey."""
        import numpy as np

        grey = image
        if image.shape[2] == 3:
            grey = np.rint(image @ np.array(WEIGHTS))[..., np.newaxis].astype(np.uint8)
        return np.repeat(grey, self.channels, axis=2)

    def output_shape(self, shape: Shape) -> Shape:
        """The size stays; the channels are those asked for."""
        return (shape[0], shape[1], self.channels)
