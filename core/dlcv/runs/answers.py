"""What a network says about images."""

import attrs

from dlcv.interfaces import Predictions

UNKNOWN = "unknown"
"""The answer where no class is probable enough."""


@attrs.frozen
class Prediction:
    """What a network says about one image.

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
class Tested:
    """What a network says about labelled images.

    Attributes:
        predictions: For those that can be read.
        skipped: Why the others were left out, by name.
    """

    predictions: Predictions
    skipped: list[str]
