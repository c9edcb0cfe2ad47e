"""How many images a class needs to train on and to validate with.

A guide to transfer learning asks for at least 20 training and 15 validation images a class, and so
for a validation share of 0.4 at about 40 images a class, down to 0.1 at hundreds.
"""

FEWEST_TRAINING = 20
"""Training images a class."""
FEWEST_VALIDATION = 15
"""Validation images a class."""
SHARES = tuple(percent / 100 for percent in range(10, 41, 5))
"""The shares that the guide spans."""


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
