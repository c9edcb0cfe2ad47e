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

        A warm-up ends the step before it begins: the first rate of a warm-up over n steps is 1/n
        of the full rate, so that no step is lost to a rate of zero.
        """
        import numpy as np

        steps = np.arange(epochs * steps_per_epoch)
        starts = steps // steps_per_epoch if self.by == "epoch" else steps / steps_per_epoch
        rates = [self.learning_rate(float(epoch), epochs, initial) for epoch in starts]
        if self.warmup:
            rates *= np.minimum(1.0, (steps + 1) / (self.warmup * steps_per_epoch))
        return np.asarray(rates, np.float32)
