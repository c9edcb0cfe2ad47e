"""Trainers: ways of learning, from a configuration to a run that predicts."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from dlcv.interfaces.base import Plugin, plugin
from dlcv.interfaces.combination import Combination
from dlcv.interfaces.run_view import ConfigView


@plugin
class Trainer(Plugin, ABC):
    """A way of learning: stages of gradient descent, a classifier fitted to features, or another.

    A run uses the trainer that its configuration names, else the one that claims the configuration,
    else the default one. Configurations are `dlcv.api.RunConfig`; runs are `Run` and
    `Ensemble` of `dlcv.api`, or classes derived from them.
    """

    kind: ClassVar[str] = "trainer"

    @classmethod
    def claims(cls, config: ConfigView) -> bool:
        """Returns whether a configuration that names no trainer asks for this one.

        It may use only what no other trainer claims; by default a trainer is used where it is
        named, `trainer = "..."`, and nowhere else.

        Args:
            config: The run's configuration.
        """
        return False

    @abstractmethod
    def train(
        self, config: Any, *, name: str | None, runs: Path, force: bool, yielding: list[str]
    ) -> Any:
        """Trains a new run and returns it, with `stopped_by` set if a signal stopped it.

        Nothing is written unless the configuration and the data are right.

        Args:
            config: The run's configuration, as it was written.
            name: The run's name, a directory below `runs`; None to make one up.
            runs: The folder of all runs.
            force: Whether a run of that name may be replaced.
            yielding: Options of the split that are ignored where the data has that part already.

        Raises:
            DlcvError: something in the configuration or the data is wrong.
        """

    @abstractmethod
    def resume(self, path: Path, *, from_epoch: int | None, changes: dict[str, object]) -> Any:
        """Continues a run that was stopped, or trains a run further with other settings.

        Args:
            path: The run's directory.
            from_epoch: The epoch to go back to first; None for the last.
            changes: Options of a new stage; empty to continue with the same.

        Raises:
            DlcvError: the run can't be continued, or not in this way; the message says what can.
        """

    @abstractmethod
    def load(self, path: Path, *, checkpoint: str | int, method: Combination | None) -> Any:
        """Opens a trained run for prediction; networks are built when they are used.

        Args:
            path: The run's directory.
            checkpoint: Whose weights are used: `last`, `best`, or an epoch.
            method: How several networks are combined; None for what the run was evaluated with.

        Raises:
            DlcvError: a file is damaged, or a part of the run is not trained to its end.
        """

    @abstractmethod
    def summary(self, run: Any) -> list[str]:
        """Returns what `dlcv run` prints about the training of a finished run, in lines.

        Each begins with a word of at most nine letters, padded to ten characters:
        `trained   5 epochs in 12 s`.
        """
