"""Polynomial decay of the learning rate."""

from dlcv.interfaces import Schedule, option, plugin


@plugin
class Poly(Schedule):
    """Lets the learning rate fall to zero along a polynomial; power 1 is a straight line."""

    power: float = option(1.0, help="exponent of the decay; larger falls faster", gt=0)

    def learning_rate(self, epoch: float, epochs: int, initial: float) -> float:
        """`initial * (1 - epoch / epochs) ** power`, for `0 <= epoch <= epochs`."""
        return initial * (1 - epoch / epochs) ** self.power
