"""Augmentation of what an image is more than the mean image."""

import copy
from typing import TYPE_CHECKING, Self

from dlcv.errors import DlcvError
from dlcv.interfaces import (
    Images,
    OptionError,
    PreparationContext,
    Preprocessor,
    evolve,
    is_value_step,
    option,
    plugin,
    state,
)
from dlcv_plugins.preprocessors.mean import mean_image

if TYPE_CHECKING:
    import numpy as np


@plugin
class AroundMean(Preprocessor):
    """Lets a random step move what an image is more than the training images' mean image.

    Rosebrock (2017, chapters 11 and 12) subtracts the mean image before augmentation, so that it
    stays where it is when images move. Here the mean is subtracted last; so this step moves the
    image, adds the mean image, and subtracts the mean image moved alike. Followed by
    `mean(per=pixel)`, that is the book's order up to the rounding of grey levels. It is right for
    steps that move pixels, such as `affine` and `flip`; several are written as several of this.
    """

    step: Preprocessor = option(
        help="the step that moves pixels, with its options, such as affine(width_shift=0.1)"
    )
    mean: "np.ndarray | None" = state()

    def __attrs_post_init__(self) -> None:
        """Refuses value steps, and steps that mix whole batches: they move nothing."""
        if is_value_step(self.step) or type(self.step).mix is not Preprocessor.mix:
            raise OptionError("AroundMean", "step", f"{self.step} does not move pixels")

    def __call__(self, images: Images, rng: "np.random.Generator | None" = None) -> Images:
        """Moves images in training; otherwise they stay as they are.

        Raises:
            DlcvError: the mean is not known yet, or the images are of another size.
        """
        if rng is None or len(images) == 0:
            return images
        import numpy as np

        mean = self._known(images)
        means = np.broadcast_to(mean, (len(images), *mean.shape))
        moved_means = self.step(np.ascontiguousarray(means), copy.deepcopy(rng))
        moved = self.step(images, rng)
        rest = np.subtract(moved, moved_means, dtype=np.int16)
        return np.clip(rest + mean, 0, 255).astype(np.uint8)

    def prepare(self, context: PreparationContext) -> Self:
        """Takes the mean image of the training images; one that is known already stays.

        Raises:
            DlcvError: the step itself learns something, or changes the size.
        """
        if self.step.prepare(context).state_dict():
            raise DlcvError(f"around_mean: {self.step} learns from images itself; name its values")
        if self.mean is not None:
            return self
        import numpy as np

        found = evolve(self, mean=np.rint(mean_image(context)).astype(np.uint8))
        shape = found.mean.shape
        if self.step.output_shape(shape) != shape:
            raise DlcvError(f"around_mean: {self.step} changes the size of images")
        return found

    def _known(self, images: Images) -> "np.ndarray":
        if self.mean is None:
            raise DlcvError(
                "around_mean: the mean is not known yet; call prepare with training images"
            )
        if any(image.shape != self.mean.shape for image in images):
            raise DlcvError(
                "around_mean: an image is not as large as the mean image; resize images before"
            )
        return self.mean
