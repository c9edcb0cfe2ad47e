"""A constant learning rate."""

from dlcv.interfaces import Schedule, plugin


@plugin
class Constant(Schedule):
    """Keeps the learning rate as it is."""

    def learning_rate(self, epoch: float, epochs: int, initial: float) -> float:
        """`initial`, whatever the epoch."""
        return initial
