"""TrivialAugment: one operation an image, of any strength."""

from typing import TYPE_CHECKING

from dlcv.interfaces import Images, Preprocessor, plugin
from dlcv_plugins.preprocessors.operations import NAMES, apply

if TYPE_CHECKING:
    import numpy as np

BLACK = 0
"""Where there is no pixel to show; the value of the authors' program."""
STRONGEST = 30
"""Strengths go from 0 to this."""


@plugin
class TrivialAugment(Preprocessor):
    """Applies one random operation of random strength to each image in training (TrivialAugment).

    Müller and Hutter 2021, "TrivialAugment: Tuning-free yet state-of-the-art data augmentation",
    arXiv:2103.10158, with its wide ranges: there is nothing to choose. Each of 14 operations, and
    each of 31 strengths, has the same chance.
    """

    def __call__(self, images: Images, rng: "np.random.Generator | None" = None) -> Images:
        """Applies an operation drawn for each image; none when not training."""
        if rng is None:
            return images
        count = len(images)
        names = [NAMES[i] for i in rng.integers(len(NAMES), size=count)]
        levels = rng.integers(STRONGEST + 1, size=count).tolist()
        signs = (2 * rng.integers(2, size=count) - 1).tolist()
        values = [value(*draw) for draw in zip(names, levels, signs, strict=True)]
        return apply(images, names, values, BLACK)


def value(name: str, level: int, sign: int) -> float:
    """Returns what an operation takes at a strength: the paper's TA (Wide), as its program rounds.

    Args:
        name: One of the 14 operations.
        level: The strength, from 0 to 30.
        sign: 1 or -1: the direction of the geometric operations.
    """
    match name:
        case "rotate":
            return sign * (135 * level // STRONGEST)
        case "shear_x" | "shear_y":
            return sign * 0.99 * level / STRONGEST
        case "translate_x" | "translate_y":
            return sign * (32 * level // STRONGEST)
        case "color" | "contrast" | "brightness" | "sharpness":
            return 0.01 + 1.99 * level / STRONGEST
        case "posterize":
            return 8 - 6 * level // STRONGEST
        case "solarize":
            return 256 - 256 * level // STRONGEST
    return 0
