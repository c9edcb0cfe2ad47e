"""Exponential decay of the learning rate."""

from dlcv.interfaces import Schedule, option, plugin


@plugin
class Exponential(Schedule):
    """Multiplies the learning rate with the same factor in every epoch."""

    factor: float = option(0.95, help="what is left of the rate after an epoch", gt=0, le=1)

    def learning_rate(self, epoch: float, epochs: int, initial: float) -> float:
        """`initial * factor ** epoch`."""
        return float(initial * self.factor**epoch)
