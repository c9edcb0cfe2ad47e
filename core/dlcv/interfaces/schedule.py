"""Schedules: the learning rate over a stage of training."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

from dlcv.interfaces.options import Plugin, option, plugin

if TYPE_CHECKING:
    import numpy as np


@plugin
class Schedule(Plugin, ABC):
    """The learning rate as a function of the epoch."""

    kind: ClassVar[str] = "schedule"

    warmup: float = option(
        0.0, help="epochs over which the rate rises from zero, as a factor on the schedule", ge=0
    )
    by: Literal["step", "epoch"] = option(
        "step", help="whether the rate changes with every step or stays the same within an epoch"
    )

    @abstractmethod
    def learning_rate(self, epoch: float, epochs: int, initial: float) -> float:
        """Returns the rate, warm-up left out; it is what a schedule defines.

        Args:
            epoch: Epochs done so far, `0 <= epoch <= epochs`; fractional within an epoch.
            epochs: Epochs of the whole stage.
            initial: The optimizer's learning rate.
        """

    def rates(self, epochs: int, steps_per_epoch: int, initial: float) -> "np.ndarray":
        """Returns the rate of every step, `(epochs * steps_per_epoch,)` float32.

        The first rate of a warm-up over n steps (or epochs) is 1/n of the full rate and the last
        is the full one, so that none is lost to a rate of zero.
        """
        import numpy as np

        length = 1.0 if self.by == "epoch" else 1 / steps_per_epoch
        changes = round(epochs / length)
        rates = np.array([self.learning_rate(i * length, epochs, initial) for i in range(changes)])
        if self.warmup:
            rates *= np.minimum(1.0, (np.arange(changes) + 1) * length / self.warmup)
        return np.repeat(rates, epochs * steps_per_epoch // changes).astype(np.float32)
