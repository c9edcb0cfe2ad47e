"""Cosine decay of the learning rate."""

import math

from dlcv.interfaces import Schedule, option, plugin


@plugin
class Cosine(Schedule):
    """Lets the learning rate fall along half a cosine (Loshchilov and Hutter, 2017)."""

    floor: float = option(0.0, help="share of the initial rate that is left at the end", ge=0, le=1)

    def learning_rate(self, epoch: float, epochs: int, initial: float) -> float:
        """`initial * (floor + (1 - floor) * (1 + cos(pi * epoch / epochs)) / 2)`."""
        share = (1 + math.cos(math.pi * epoch / epochs)) / 2
        return initial * (self.floor + (1 - self.floor) * share)
