"""RandAugment: a few operations an image, all of one magnitude."""

from typing import TYPE_CHECKING

from dlcv.interfaces import Images, Preprocessor, option, plugin
from dlcv_plugins.preprocessors.operations import NAMES, apply

if TYPE_CHECKING:
    import numpy as np

GREY = 128
"""Where there is no pixel to show; the value of the authors' program."""
LARGEST_TRANSLATION = 150 / 331
"""A fraction of the side: AutoAugment shifts its images of 331 x 331 by up to 150 pixels."""


@plugin
class RandAugment(Preprocessor):
    """Applies random operations of one magnitude to each image in training (RandAugment).

    Cubuk et al. 2019, "RandAugment: Practical automated data augmentation with a reduced search
    space", arXiv:1909.13719: each of `num_ops` operations is drawn from 14 with equal chances.
    The defaults are what the paper found best for ResNet-50 on ImageNet.
    """

    num_ops: int = option(2, help="operations an image, one after the other", ge=1)
    magnitude: float = option(
        9.0, help="strength of all operations; 10 is AutoAugment's strongest", ge=0, le=10
    )

    def __call__(self, images: Images, rng: "np.random.Generator | None" = None) -> Images:
        """Applies operations drawn for each image; none when not training."""
        if rng is None:
            return images
        shape = (self.num_ops, len(images))
        drawn = rng.integers(len(NAMES), size=shape).tolist()
        signs = (2 * rng.integers(2, size=shape) - 1).tolist()
        for row, row_signs in zip(drawn, signs, strict=True):
            names = [NAMES[i] for i in row]
            values = [
                value(name, self.magnitude / 10, sign, image.shape[:2])
                for name, sign, image in zip(names, row_signs, images, strict=True)
            ]
            images = apply(images, names, values, GREY)
        return images


def value(name: str, strength: float, sign: int, size: tuple[int, ...]) -> float:
    """Returns what an operation takes at a strength.

    The ranges are those of AutoAugment (Cubuk et al. 2018, arXiv:1805.09501), which the paper takes
    over: a strength of 1 is the end of a range, 0 leaves the image as it is. The factors of the
    four enhancing operations go from 0.1 to 1.9 there; one magnitude for all can only mean as far
    from 1, to either side, or else a small one would leave images black.

    Args:
        name: One of the 14 operations.
        strength: From 0 to 1.
        sign: 1 or -1: the direction of the geometric and the enhancing operations.
        size: `(height, width)` of the image in pixels.
    """
    match name:
        case "rotate":
            return sign * 30 * strength
        case "shear_x" | "shear_y":
            return sign * 0.3 * strength
        case "translate_x":
            return sign * int(LARGEST_TRANSLATION * strength * size[1])
        case "translate_y":
            return sign * int(LARGEST_TRANSLATION * strength * size[0])
        case "color" | "contrast" | "brightness" | "sharpness":
            return 1 + sign * 0.9 * strength
        case "posterize":
            return 8 - round(4 * strength)
        case "solarize":
            return 256 - 256 * strength
    return 0
