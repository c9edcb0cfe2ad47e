"""A straight line from one learning rate to another."""

from dlcv.interfaces import Schedule, option, plugin


@plugin
class Linear(Schedule):
    """Moves the learning rate on a straight line to another, and stays there."""

    to: float = option(0.0, help="the learning rate at the end of the line", ge=0)
    until: float | None = option(
        None, help="epochs after which it is reached; those of the stage if left out", gt=0
    )

    def learning_rate(self, epoch: float, epochs: int, initial: float) -> float:
        """`initial + (to - initial) * min(1, epoch / until)`."""
        share = min(1.0, epoch / (self.until or epochs))
        return initial + (self.to - initial) * share
