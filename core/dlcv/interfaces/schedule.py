"""Schedules: the learning rate over a stage of training."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from dlcv.errors import DlcvError
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

    def with_steps_per_epoch(self, steps_per_epoch: int) -> Self:
        """Returns a copy that knows the steps an epoch, where the rate depends on them."""
        return self

    def rate(self, epoch: float, epochs: int, initial: float) -> float:
        """Returns what `learning_rate` does, for an epoch of the stage.

        Raises:
            DlcvError: the stage has no such epoch.
        """
        if not 0 <= epoch <= epochs:
            raise DlcvError(f"epoch {epoch:g} is outside a stage of 0 to {epochs} epochs")
        return self.learning_rate(epoch, epochs, initial)

    def rates(self, epochs: int, steps_per_epoch: int, initial: float) -> "np.ndarray":
        """Returns the rate of every step, `(epochs * steps_per_epoch,)` float32.

        The first rate of a warm-up over n steps (or epochs) is 1/n of the full rate and the last
        is the full one, so that none is lost to a rate of zero.
        """
        import numpy as np

        schedule = self.with_steps_per_epoch(steps_per_epoch)
        changes_per_epoch = 1 if self.by == "epoch" else steps_per_epoch
        changes = np.arange(epochs * changes_per_epoch)
        starts = changes / changes_per_epoch
        rates = np.array([schedule.rate(float(epoch), epochs, initial) for epoch in starts])
        if self.warmup:
            rates *= np.minimum(1.0, (changes + 1) / changes_per_epoch / self.warmup)
        return np.repeat(rates, steps_per_epoch // changes_per_epoch).astype(np.float32)
