"""What is known about a finished run, for those who report on it."""

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from dlcv.interfaces import Evaluation, Predictions, RunView, is_validation

if TYPE_CHECKING:
    import numpy as np

    from dlcv.api import RunConfig

Rows = Sequence[Mapping[str, float]]
"""The epochs of a run, as its history has them."""


def _no_member() -> "FinishedRun":
    raise LookupError("a single network has no members")


@attrs.frozen
class Neighbor:
    """A training image that is like another image.

    Attributes:
        sample_id: Its name.
        label: Its class.
        similarity: The cosine of the angle between both images' features, at most 1.
    """

    sample_id: str
    label: str
    similarity: float


@attrs.frozen
class Neighbors:
    """The training images that are most like some held-out ones.

    Attributes:
        of: The most similar first, by the held-out image's name.
        compared: How many training images were compared.
        candidates: How many there are of the classes in question.
    """

    of: Mapping[str, tuple[Neighbor, ...]]
    compared: int
    candidates: int


@attrs.frozen(eq=False, kw_only=True)
class FinishedRun(RunView):
    """A finished run, or several that predict together; to be read only.

    It is a `RunView`, as hooks and trackers see it, with what is known at the end besides.

    Attributes:
        name: What names it to people.
        path: Its directory.
        config: Its configuration, complete: a `dlcv.api.RunConfig`.
        environment: What it was made with, as `environment.json` has it.
        results: What `metrics.json` has; its figures alone are `metrics`.
        predictions: Its predictions for the held-out images.
        histories: The epochs of each member that has any, by the member's name; a single network
            goes by the run's name.
        trained_row: The epoch that a single network's weights are from; None where there is none.
        members: The directories of the members; empty for a single network.
        evaluations: What the run's own evaluators found, each with its evaluator's name, in order.
        problems: Why evaluators of the run failed, by their names.
        further: Runs an evaluator that the run has not, with its defaults; what `evaluation` uses.
        predict: Returns the run's predictions for a split; the network predicts, which may take
            long.
        member: Returns the member of a number, from 0, as a finished run of its own; only where
            there are members.
        neighbors: Returns the training images that the networks find most like some held-out ones,
            once for the same images; None where that is not known without loading networks, unless
            the second argument asks for it.
        image: Returns an image by its name as it is stored, `(H, W, C)` uint8; None where it is
            missing, or is a held-out one and has another class now. Raises `DlcvError` where the
            data can't be opened.
    """

    name: str
    path: Path
    config: "RunConfig"
    environment: Mapping[str, Any]
    results: Mapping[str, Any]
    predictions: Predictions
    histories: Mapping[str, Rows] = attrs.field(factory=dict)
    trained_row: Mapping[str, float] | None = None
    members: tuple[Path, ...] = ()
    evaluations: tuple[tuple[str, Evaluation], ...] = ()
    problems: Mapping[str, str] = attrs.field(factory=dict)
    further: Callable[[str], Evaluation | None] = lambda name: None
    predict: Callable[[str], Predictions]
    member: Callable[[int], "FinishedRun"] = lambda number: _no_member()
    neighbors: Callable[[tuple[str, ...], bool], Neighbors | None] = lambda sample_ids, asked: None
    image: Callable[[str], "np.ndarray | None"] = lambda sample_id: None

    @property
    def split(self) -> str:
        """The split that was held out."""
        return str(self.results["split"])

    @property
    def history(self) -> list[dict[str, float]]:
        """The epochs of a single network; empty where there are none, or several members."""
        rows = () if self.members else next(iter(self.histories.values()), ())
        return [dict(row) for row in rows]

    @property
    def label_names(self) -> Sequence[str]:
        """The classes' names."""
        return self.predictions.label_names

    @property
    def metrics(self) -> dict[str, float]:
        """The figures on held-out images by name, as `metrics.json` has them."""
        return dict(self.results.get("metrics", {}))

    @property
    def finished(self) -> bool:
        """It is."""
        return True

    @property
    def largest_class(self) -> float:
        """The share of the held-out images that the largest class has, from 0 to 1."""
        import numpy as np

        return float(np.bincount(self.predictions.labels).max() / len(self.predictions.labels))

    @property
    def tests_what_it_validates(self) -> bool:
        """Whether the held-out images are those of the validation, by which epochs are chosen."""
        return is_validation(self.environment, self.split)

    @functools.cached_property
    def folder(self) -> str:
        """The folder that all held-out images are in; empty where they are no absolute paths."""
        names = self.predictions.sample_ids
        if not all(map(os.path.isabs, names)):
            return ""
        return os.path.commonpath([os.path.dirname(name) for name in names])

    def images(self, split: str) -> int:
        """Returns how many images a split has; 0 where there is none, or it is not known."""
        return int(self.environment["data"].get("images", {}).get(split, 0))

    def evaluation(self, evaluator: str) -> Evaluation | None:
        """Returns what an evaluator finds; it runs once, however often this is called.

        Args:
            evaluator: Its name. If the run was evaluated with it, its options are the run's.

        Returns:
            None where no such evaluator is installed.

        Raises:
            DlcvError: it fails, or can't be loaded.
        """
        for name, found in self.evaluations:
            if name == evaluator:
                return found
        return self.further(evaluator)
