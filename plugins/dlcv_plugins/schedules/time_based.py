"""Decay of the learning rate with the number of steps."""

from typing import Self

from dlcv.interfaces import Schedule, evolve, option, plugin


@plugin
class TimeBased(Schedule):
    """Divides the learning rate by a number that grows with every step: Keras's former `decay`.

    Rosebrock (2017), chapter 6, has a decay of the initial rate divided by the epochs.
    """

    decay: float | None = option(
        None, help="growth of the divisor a step; initial rate / epochs if left out", ge=0
    )
    steps_per_epoch: int | None = option(
        None, help="steps an epoch; those of the training if left out", ge=1
    )

    def with_steps_per_epoch(self, steps_per_epoch: int) -> Self:
        """Fills in the steps an epoch, where they were left open."""
        return self if self.steps_per_epoch else evolve(self, steps_per_epoch=steps_per_epoch)

    def learning_rate(self, epoch: float, epochs: int, initial: float) -> float:
        """`initial / (1 + decay * steps done)`."""
        decay = initial / epochs if self.decay is None else self.decay
        return initial / (1 + decay * epoch * (self.steps_per_epoch or 1))
