"""Schedules: the learning rate over a stage of training."""

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from dlcv.errors import DlcvError
from dlcv.interfaces.base import Plugin, plugin
from dlcv.interfaces.options import option

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

    def cycle_ends(self, epochs: int) -> tuple[int, ...]:
        """Returns the epochs, counted from 1, after which the rate has fallen and rises again.

        The network at the end of each is kept, as a member of a snapshot ensemble; the end of the
        last cycle counts, too. A schedule without cycles has none.

        Args:
            epochs: Epochs of the whole stage.
        """
        return ()

    def rate(self, epoch: float, epochs: int, initial: float) -> float:
        """Returns the rate, warm-up included, after so many epochs of a stage.

        With `by=epoch` it is that of the epoch which begins or is under way. Otherwise it is the
        limit for many steps an epoch; the exact rate of each step is in `rates`.

        Raises:
            DlcvError: the stage has no such epoch.
        """
        if not 0 <= epoch <= epochs:
            raise DlcvError(f"epoch {epoch:g} is outside a stage of 0 to {epochs} epochs")
        warm = epoch
        if self.by == "epoch":
            epoch = min(math.floor(epoch), epochs - 1)
            warm = epoch + 1
        return self.learning_rate(epoch, epochs, initial) * self._warmth(warm)

    def rates(self, epochs: int, steps_per_epoch: int, initial: float) -> "np.ndarray":
        """Returns the rate of every step, `(epochs * steps_per_epoch,)` float32.

        The first rate of a warm-up over n steps (or epochs) is 1/n of the full rate and the last
        is the full one, so that none is lost to a rate of zero.
        """
        import numpy as np

        schedule = self.with_steps_per_epoch(steps_per_epoch)
        per_epoch = 1 if self.by == "epoch" else steps_per_epoch
        rates = [
            schedule.learning_rate(change / per_epoch, epochs, initial)
            * self._warmth((change + 1) / per_epoch)
            for change in range(epochs * per_epoch)
        ]
        return np.repeat(rates, steps_per_epoch // per_epoch).astype(np.float32)

    def _warmth(self, epoch: float) -> float:
        """Returns the warm-up's factor after so many epochs."""
        return min(1.0, epoch / self.warmup) if self.warmup else 1.0
