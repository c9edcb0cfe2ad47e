"""Crops of each image, to average predictions over."""

from typing import TYPE_CHECKING

from dlcv import images
from dlcv.interfaces import option, plugin
from dlcv_plugins.preprocessors.regions import Regions

if TYPE_CHECKING:
    import numpy as np


@plugin
class Crop(Regions):
    """Cuts the four corners and the center out of each image, for predictions averaged over them.

    With their mirror images these are ten views of an image (Krizhevsky, Sutskever, Hinton 2012).
    They are for a network that is trained already: `dlcv evaluate RUN --preproc crop`. With
    `padding=1` and the images' own size, they are shifted by a pixel.
    """

    mirror: bool = option(True, help="whether the mirror image of each crop is a view, too")

    @property
    def views(self) -> int:
        """Ten, or five without mirror images."""
        return 10 if self.mirror else 5

    def process(self, image: "np.ndarray", rng: "np.random.Generator | None") -> "np.ndarray":
        """Cuts one image, `(H, W, C)` uint8.

        Where the center can't lie in the middle, it is cut one pixel larger and resized.

        Returns:
            `(views, height, width, C)` uint8: top left, top right, bottom right, bottom left,
            center, and then the mirror of each.

        Raises:
            DlcvError: the image is smaller than the crops.
        """
        import numpy as np

        image = self.padded(image, "crops")
        assert self.size is not None
        height, width = images.pair(self.size)
        down, right = image.shape[0] - height, image.shape[1] - width
        center = image[down // 2 : down // 2 + height + down % 2]
        center = center[:, right // 2 : right // 2 + width + right % 2]
        crops = np.stack(
            [
                image[:height, :width],
                image[:height, right:],
                image[down:, right:],
                image[down:, :width],
                images.resize(center, (height, width), self.interpolation),
            ]
        )
        return np.concatenate([crops, crops[:, :, ::-1]]) if self.mirror else crops
