"""What hooks, trackers and sections see of a run."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol


class SpecView(Protocol):
    """A plugin, or one of Keras's objects, as a configuration names it; `str` gives its text."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def options(self) -> Mapping[str, object]:
        """Its options by name."""


class StageView(Protocol):
    """One stage of training, as a configuration has it."""

    @property
    def epochs(self) -> int:
        """Passes over the training images."""

    @property
    def batch_size(self) -> int | None:
        """Images a step; None for the run's."""

    @property
    def optimizer(self) -> SpecView:
        """The optimizer."""

    @property
    def schedule(self) -> SpecView:
        """The learning rate over the stage."""

    @property
    def loss(self) -> SpecView:
        """The loss."""

    @property
    def trainable(self) -> str:
        """The layers that are trained."""


class ConfigView(Protocol):
    """A run's configuration: a `run.toml` as values."""

    @property
    def data(self) -> str:
        """The data set: a store, or a path."""

    @property
    def preprocessors(self) -> Iterable[SpecView]:
        """The preprocessors."""

    @property
    def architecture(self) -> SpecView:
        """The network."""

    @property
    def classifier(self) -> SpecView | None:
        """The classifier that is fitted instead of training in stages; None if there is none."""

    @property
    def evaluators(self) -> Iterable[SpecView]:
        """The evaluators."""

    @property
    def batch_size(self) -> int:
        """Images a step."""

    @property
    def seed(self) -> int:
        """The seed of the initial weights, the order and the augmentation."""

    @property
    def members(self) -> int:
        """The number of networks that are trained and combined."""

    @property
    def stages(self) -> Sequence[StageView]:
        """The stages of training; none where a classifier is fitted."""


class RunView(Protocol):
    """A run that is trained, or under way."""

    @property
    def path(self) -> Path:
        """Its directory."""

    @property
    def config(self) -> ConfigView:
        """Its configuration, complete."""

    @property
    def label_names(self) -> Sequence[str]:
        """The classes' names."""

    @property
    def history(self) -> list[dict[str, float]]:
        """A row of figures an epoch so far, as in `history.csv`.

        It is empty where several networks are trained: each member has its own.
        """

    @property
    def metrics(self) -> dict[str, float]:
        """The figures on held-out images by name; empty while the run is not finished."""

    @property
    def finished(self) -> bool:
        """Whether the training came to its end."""


def is_validation(environment: Mapping[str, Any], split: str) -> bool:
    """Returns whether a split's images are those of the validation, by which epochs are chosen.

    They are where the data has no other, and with `validation = "test"`.

    Args:
        environment: What `environment.json` has.
        split: The split that was held out.
    """
    fingerprints = environment["data"]["fingerprints"]
    return split == "val" or fingerprints.get("val") == fingerprints.get(split, "")
