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


@hook
def dlcv_divided(images: "LabelledImages", parts: "Mapping[str, LabelledImages]") -> None:
    """Warns when a class is left with fewer images than a guide to transfer learning advises."""
    import numpy as np

    counts = {
        name: np.bincount(part.labels, minlength=len(part.label_names))
        for name, part in parts.items()
    }
    missing = FEWEST_TRAINING - counts["train"]
    if "val" in parts:
        missing = np.maximum(missing, FEWEST_VALIDATION - counts["val"])
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
        total, others = sum(own.values()), sum(own.values()) - own["train"] - own["val"]
        share = validation_share(total, others)
        cure = (
            f"a validation share of {share} gives it about {int(total * share + 1e-9)}"
            if share
            else f"its {total} images are too few for any share; add images"
        )
    logger.warning(
        '"%s" has %s images; at least %s a class are advised: %s',
        images.label_names[worst], has, advised, cure,
    )  # fmt: skip


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
