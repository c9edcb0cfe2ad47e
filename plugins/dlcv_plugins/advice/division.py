"""How many images a class a division leaves, compared with what a guide advises."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dlcv import hook

if TYPE_CHECKING:
    from dlcv.interfaces import LabelledImages

logger = logging.getLogger(__name__)

FEWEST_TRAINING = 20
"""Training images a class."""
FEWEST_VALIDATION = 15
"""Validation images a class."""
SHARES = tuple(percent / 100 for percent in range(10, 41, 5))
"""The shares that the guide spans."""
SMALL_TEST = 0.1
"""The test share where the default leaves too few images for the other parts."""


@hook
def dlcv_divided(images: "LabelledImages", parts: "Mapping[str, LabelledImages]") -> None:
    """Warns when a class is left with few images, compared with a guide to transfer learning.

    Validation images are few if the default share would give a class more; so the default itself
    is warned of only where it leaves too few images to train on.
    """
    import numpy as np

    from dlcv.api import SPLIT_DEFAULTS

    counts = {
        name: np.bincount(part.labels, minlength=len(part.label_names))
        for name, part in parts.items()
    }
    missing = FEWEST_TRAINING - counts["train"]
    if "val" in parts:
        usual = np.floor(SPLIT_DEFAULTS["validation"] * sum(counts.values()))
        missing = np.maximum(missing, np.minimum(FEWEST_VALIDATION, usual) - counts["val"])
        # A class that is used for training alone, as was asked, is named by the division.
        missing = np.where(counts["val"] > 0, missing, 0)
    if missing.max() <= 0:
        return
    worst = int(missing.argmax())
    own = {name: int(count[worst]) for name, count in counts.items()}
    has, advised = f"{own['train']} training", str(FEWEST_TRAINING)
    cure = "take smaller parts from it, or add images"
    if "val" in parts:
        has += f" and {own['val']} validation"
        advised += f" and {FEWEST_VALIDATION}"
        cure = _cure(sum(own.values()), takes_test="test" in parts)
    logger.warning(
        '"%s" has %s images; at least %s a class are advised: %s',
        images.label_names[worst], has, advised, cure,
    )  # fmt: skip


def _cure(total: int, *, takes_test: bool) -> str:
    shares = advised_shares(total, takes_test=takes_test)
    if shares is None:
        return f"its {total} images are too few for any share; add images"
    validation, test = shares
    text = f"a validation share of {validation}"
    if takes_test:
        text += f" and a test share of {test}"
    return f"{text} gives it about {int(total * validation + 1e-9)} to validate with"


def advised_shares(images: int, *, takes_test: bool) -> tuple[float, float] | None:
    """Returns the shares for validation and test that leave a class enough images.

    Args:
        images: The images of the smallest class.
        takes_test: Whether test images are taken from them, too. The default share is, or a
            smaller one where that leaves too few.

    Returns:
        Two shares of `images`; or None where none are enough.
    """
    from dlcv.api import SPLIT_DEFAULTS

    for test in (SPLIT_DEFAULTS["test"], SMALL_TEST) if takes_test else (0.0,):
        if share := validation_share(images, round(test * images)):
            return share, test
    return None


def validation_share(images: int, taken: int = 0) -> float | None:
    """Returns the smallest share that leaves a class enough to train on and to validate with.

    Args:
        images: The images of the smallest class.
        taken: How many of them go elsewhere, such as into the test part.

    Returns:
        A share of `images` from 0.1 to 0.4 in steps of 0.05, or None where none is enough.
    """
    for share in SHARES:
        validation = int(images * share + 1e-9)
        if validation >= FEWEST_VALIDATION and images - taken - validation >= FEWEST_TRAINING:
            return share
    return None
