"""Augmentation of what an image is more than the mean image."""

import copy
from typing import TYPE_CHECKING, Self

from dlcv.errors import DlcvError
from dlcv.images import resize
from dlcv.interfaces import (
    Images,
    OptionError,
    PreparationContext,
    Preprocessor,
    evolve,
    is_value_step,
    option,
    plugin,
    stack,
    state,
)
from dlcv_plugins.preprocessors.mean import mean_image

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike


@plugin
class AroundMean(Preprocessor):
    """Lets a random step move what an image is more than the training images' mean image.

    Rosebrock (2017, chapters 11 and 12) subtracts the mean image before augmentation, so that it
    stays where it is when images move. Here the mean is subtracted last; so this step moves the
    image, adds the mean image, and subtracts the mean image moved alike. Followed by
    `mean(per=pixel)`, that is the book's order up to the rounding of grey levels. It is right for
    steps that move pixels, such as `affine` and `flip`; several are written as several of this. The
    mean image is resized for an image of another size.
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
            DlcvError: the mean is not known yet, or is one of other channels.
        """
        if rng is None or len(images) == 0:
            return images
        import numpy as np

        means = self._means(images)
        moved_means = self.step(means, copy.deepcopy(rng))
        moved = self.step(images, rng)
        if isinstance(moved, np.ndarray) and isinstance(means, np.ndarray):
            return _sum(moved, moved_means, means)
        return stack([*map(_sum, moved, moved_means, means)])

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

        mean = np.rint(mean_image(context)).astype(np.uint8)
        height, width, channels = mean.shape
        if self.step.output_shape((height, width, channels)) != mean.shape:
            raise DlcvError(f"around_mean: {self.step} changes the size of images")
        return evolve(self, mean=mean)

    def _means(self, images: Images) -> Images:
        """Returns the mean image for each image, in its size."""
        import numpy as np

        if self.mean is None:
            raise DlcvError(
                "around_mean: the mean is not known yet; call prepare with training images"
            )
        if images[0].shape[-1] != self.mean.shape[-1]:
            raise DlcvError(
                f"around_mean: images of {images[0].shape[-1]} channels do not fit a mean image of "
                f"{self.mean.shape[-1]}"
            )
        if isinstance(images, np.ndarray) and images.shape[1:] == self.mean.shape:
            return np.repeat(self.mean[np.newaxis], len(images), axis=0)
        return stack([resize(self.mean, image.shape[:2], "linear") for image in images])


def _sum(moved: "ArrayLike", moved_mean: "ArrayLike", mean: "ArrayLike") -> "np.ndarray":
    """Returns `moved - moved_mean + mean`, within the grey levels."""
    import numpy as np

    rest = np.subtract(moved, moved_mean, dtype=np.int16)
    rest += mean
    return np.clip(rest, 0, 255, out=rest).astype(np.uint8)
