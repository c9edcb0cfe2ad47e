"""Crops of each image, to average predictions over."""

from typing import TYPE_CHECKING

from dlcv import images
from dlcv.errors import DlcvError
from dlcv.interfaces import Size, option, plugin
from dlcv_plugins.preprocessors.simple import Simple

if TYPE_CHECKING:
    import numpy as np


@plugin
class Crop(Simple):
    """Cuts the four corners and the centre out of each image, for predictions averaged over them.

    With their mirror images these are ten views of an image (Krizhevsky, Sutskever, Hinton 2012).
    They are for a network that is trained already: `dlcv evaluate RUN --preproc crop`.
    """

    mirror: bool = option(True, help="whether the mirror image of each crop is a view, too")

    @property
    def views(self) -> int:
        """Ten, or five without mirror images."""
        return 10 if self.mirror else 5

    def process(self, image: "np.ndarray", rng: "np.random.Generator | None") -> "np.ndarray":
        """Cuts one image, `(H, W, C)` uint8.

        Where the centre can't lie in the middle, it is cut one pixel larger and resized.

        Returns:
            `(views, height, width, C)` uint8: top left, top right, bottom right, bottom left,
            centre, and then the mirror of each.

        Raises:
            DlcvError: the image is smaller than the crops.
        """
        import numpy as np

        assert self.size is not None
        height, width = images.pair(self.size)
        down, right = image.shape[0] - height, image.shape[1] - width
        if down < 0 or right < 0:
            raise DlcvError(
                f"crop: an image of {image.shape[0]} x {image.shape[1]} pixels is smaller than "
                f"the crops ({height} x {width}); put aspect_aware before crop, "
                "or choose a smaller size"
            )
        centre = image[down // 2 : down // 2 + height + down % 2]
        centre = centre[:, right // 2 : right // 2 + width + right % 2]
        crops = np.stack(
            [
                image[:height, :width],
                image[:height, right:],
                image[down:, right:],
                image[down:, :width],
                images.resize(centre, (height, width), self.interpolation),
            ]
        )
        return np.concatenate([crops, crops[:, :, ::-1]]) if self.mirror else crops

    def source_size(self, size: Size) -> Size:
        """An eighth larger, so that the crops differ."""
        return (round(size[0] * 9 / 8), round(size[1] * 9 / 8))
