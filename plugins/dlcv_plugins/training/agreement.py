"""What several processes that train together decide alike: when to stop, and by which figures."""

import keras

from dlcv_plugins.devices import processes
from dlcv_plugins.training.interruption import Interruption


class AgreedInterruption(Interruption):
    """Whether somebody asked any of the processes to stop; all learn of it after the same step."""

    def __init__(self, asked: Interruption) -> None:
        """Begins with what this process knows of."""
        self._asked = asked

    @property
    def signal(self) -> int:  # type: ignore[override]
        """The signal's number, 0 as long as nobody asked; all processes must read it together."""
        if not processes.stopped_by:
            processes.stopped_by = int(processes.gathered([self._asked.signal]).max())
        return processes.stopped_by


def agreed(asked: Interruption) -> Interruption:
    """Returns whether somebody asked to stop, for all processes alike."""
    return asked if processes.joining() is None else AgreedInterruption(asked)


class SameFigures(keras.callbacks.Callback):
    """Replaces an epoch's figures by those of the first process; must be the first callback.

    They differ in the last digits where processors do.
    """

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Replaces them in place: all callbacks are given the same dictionary."""
        if logs is not None and processes.joining() is not None:
            logs.update(processes.of_the_first(logs))
