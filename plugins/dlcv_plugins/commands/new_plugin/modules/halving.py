"""Halving of the learning rate."""

from dlcv.interfaces import Schedule, option, plugin


@plugin
class Halving(Schedule):
    """Halves the learning rate every few epochs."""

    every: int = option(5, help="epochs between two halvings", ge=1)

    def learning_rate(self, epoch: float, epochs: int, initial: float) -> float:
        """Returns the rate at an epoch, which is fractional within one."""
        return initial / 2 ** (epoch // self.every)
