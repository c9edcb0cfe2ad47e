"""Evaluators: figures from predictions."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from dlcv.interfaces.options import Plugin, plugin

if TYPE_CHECKING:
    import numpy as np


@attrs.frozen(eq=False)
class Predictions:
    """What one or more networks say about labelled samples.

    Attributes:
        probabilities: `(members, samples, classes)` float32; a single network is one member.
        labels: `(samples,)` int64, the true classes.
        label_names: The classes' names.
        sample_ids: What names each sample to people.
    """

    probabilities: "np.ndarray"
    labels: "np.ndarray"
    label_names: tuple[str, ...]
    sample_ids: tuple[str, ...]

    @property
    def mean(self) -> "np.ndarray":
        """The members' mean probabilities, `(samples, classes)`."""
        return self.probabilities.mean(axis=0)


@attrs.frozen
class Table:
    """A table to print.

    Attributes:
        title: What it shows.
        columns: The columns' names.
        rows: As many values a row as there are columns: text, int, or float.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@attrs.frozen
class Evaluation:
    """What an evaluator found.

    Attributes:
        metrics: Figures by name.
        tables: Tables by name.
        data: Arrays by name, for drawing.
    """

    metrics: dict[str, float]
    tables: dict[str, Table] = attrs.field(factory=dict)
    data: dict[str, "np.ndarray"] = attrs.field(factory=dict, eq=False)


@plugin
class Evaluator(Plugin, ABC):
    """A pure function of predictions."""

    kind: ClassVar[str] = "evaluator"

    @abstractmethod
    def evaluate(self, predictions: Predictions) -> Evaluation:
        """Returns figures about `predictions`.

        Raises:
            DlcvError: the predictions do not allow it.
        """
