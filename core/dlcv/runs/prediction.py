"""Predictions for images, as Python sees them."""

import attrs
import numpy as np

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
        row: Every class's probability, `(classes,)` float32.
        label_names: The classes' names.
    """

    id: str
    label: str
    probability: float
    row: np.ndarray = attrs.field(repr=False, eq=attrs.cmp_using(np.array_equal))
    label_names: tuple[str, ...] = attrs.field(repr=False)

    @property
    def probabilities(self) -> dict[str, float]:
        """Every class's probability by name, the most probable first."""
        return dict(self.top(len(self.row)))

    def top(self, count: int) -> list[tuple[str, float]]:
        """Returns the most probable classes with their probabilities."""
        order = np.argsort(-self.row, kind="stable")[:count]
        return [(self.label_names[i], float(self.row[i])) for i in order]


@attrs.frozen(eq=False)
class LabelledPredictions:
    """The predictions for labelled images.

    Attributes:
        predictions: For the images that can be read.
        skipped: Why the others were left out, by name.
    """

    predictions: Predictions
    skipped: list[str]
