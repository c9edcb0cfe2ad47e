"""Trackers: what shows or collects the figures of runs while they train."""

from abc import ABC, abstractmethod
from typing import ClassVar

from dlcv.interfaces.base import Plugin, plugin
from dlcv.interfaces.run_view import RunView


@plugin
class Tracker(Plugin, ABC):
    """Follows a run: its beginning, the figures of each epoch, and its end.

    What fails in `require` or `started` ends the run before anything is lost; what fails later is
    a warning, and the tracker is left out from then on. A tracker that keeps something between
    calls, such as an open file, holds it in a `functools.cached_property`.
    """

    kind: ClassVar[str] = "tracker"

    def require(self) -> None:
        """Checks that the tracker can work here, before anything is written or replaced.

        By default nothing is needed.

        Raises:
            DlcvError: a package or a setting is missing; the message says how to get it.
        """

    def started(self, run: RunView) -> None:
        """Is called before the first step, and again when a run continues.

        For a fitted classifier it is called once the classifier is fitted; each member of a run
        of several is a run of its own.
        """

    @abstractmethod
    def epoch(self, run: RunView, row: dict[str, float]) -> None:
        """Is called after each epoch.

        An epoch comes again if the process is killed before its checkpoint is written.

        Args:
            run: The run; its history ends with this row.
            row: `stage`, `epoch` (from 1, over all stages), `loss`, `accuracy`, `val_loss`,
                `val_accuracy`, `learning_rate` and `seconds`.
        """

    def finished(self, run: RunView) -> None:
        """Is called once everything is written, with the run's metrics in place.

        For several members it is called for each, and for all of them together without `started`.
        """

    def command(self, run: RunView) -> str:
        """Returns the command or the address that shows the figures; empty for none.

        `dlcv run` prints it once the run is finished.
        """
        return ""

    def stopped(self, run: RunView) -> None:
        """Is called instead of `finished` where a signal or an error ends the training."""
