"""Random changes of color in training."""

from typing import TYPE_CHECKING

from dlcv.interfaces import Images, Preprocessor, option, plugin, stack
from dlcv_plugins.preprocessors import operations

if TYPE_CHECKING:
    import numpy as np


@plugin
class Color(Preprocessor):
    """Changes brightness, contrast, saturation and hue at random in training."""

    brightness: float = option(
        0.2, help="x: pixels are multiplied with a factor from 1 - x to 1 + x", ge=0, le=1
    )
    contrast: float = option(
        0.2, help="x: distances from the mean grey get a factor from 1 - x to 1 + x", ge=0, le=1
    )
    saturation: float = option(
        0.2, help="x: distances from grey get a factor from 1 - x to 1 + x", ge=0, le=1
    )
    hue: float = option(
        0.02, help="x: hues turn by -x to x, as fractions of the color circle", ge=0, le=0.5
    )

    def __call__(self, images: Images, rng: "np.random.Generator | None" = None) -> Images:
        """Changes each image by draws of its own, in the order of the options.

        The four changes are those of torchvision's `ColorJitter`, which draws their order too.
        Grey images have neither saturation nor hue, and these do nothing to them.
        """
        import numpy as np

        if rng is None:
            return images
        draws = rng.uniform(-1, 1, (len(images), 4))
        results: list[np.ndarray] = []
        for rows in operations.batches(images, range(len(images))):
            some = np.stack([images[i] for i in rows])
            results.extend(self._change(some, draws[rows]))
        return stack(results)

    def _change(self, images: "np.ndarray", draws: "np.ndarray") -> "np.ndarray":
        brightness, contrast, saturation, hue = draws.T
        if self.brightness:
            images = operations.brightness(images, 1 + self.brightness * brightness)
        if self.contrast:
            images = operations.contrast(images, 1 + self.contrast * contrast)
        if self.saturation:
            images = operations.saturation(images, 1 + self.saturation * saturation)
        if self.hue:
            images = operations.hue(images, self.hue * hue)
        return images
