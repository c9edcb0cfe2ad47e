"""One rise and one fall of the learning rate."""

import math

from dlcv.interfaces import Schedule, option, plugin


@plugin
class OneCycle(Schedule):
    """Raises the learning rate to the optimizer's and lets it fall far below, along cosines.

    The 1cycle policy (Smith and Topin, 2018), with cosines for its straight lines as fastai and
    PyTorch have it.
    """

    peak: float = option(0.3, help="share of the stage after which the rate falls", gt=0, lt=1)
    start_divisor: float = option(25.0, help="highest rate / the rate at the start", ge=1)
    end_divisor: float = option(250_000.0, help="highest rate / the rate at the end", ge=1)

    def learning_rate(self, epoch: float, epochs: int, initial: float) -> float:
        """`initial / start_divisor` to `initial`, then to `initial / end_divisor`."""
        share = epoch / epochs
        if share < self.peak:
            return _cosine(initial / self.start_divisor, initial, share / self.peak)
        fallen = (share - self.peak) / (1 - self.peak)
        return _cosine(initial, initial / self.end_divisor, fallen)


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
