"""Predictions for images, as Python sees them."""

import attrs

from dlcv.interfaces import Predictions

UNKNOWN = "unknown"
"""The label where no class is probable enough."""


@attrs.frozen
class Prediction:
    """The prediction for one image.

    Attributes:
        id: What names the image: its path, or its position.
        label: The most probable class, or `unknown`.
        probability: The most probable class's probability.
        probabilities: Every class's probability by name, the most probable first.
    """

    id: str
    label: str
    probability: float
    probabilities: dict[str, float] = attrs.field(repr=False)

    def top(self, count: int) -> list[tuple[str, float]]:
        """Returns the most probable classes with their probabilities."""
        return list(self.probabilities.items())[:count]


@attrs.frozen(eq=False)
class LabelledPredictions:
    """The predictions for labelled images.

    Attributes:
        predictions: For the images that can be read.
        skipped: Why the others were left out, by name.
    """

    predictions: Predictions
    skipped: list[str]
