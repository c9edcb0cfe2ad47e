"""The schedules of the family."""

from dlcv.interfaces import Schedule, plugin


@plugin
class Half(Schedule):
    """Halves the learning rate with each epoch."""

    def learning_rate(self, epoch: float, epochs: int, initial: float) -> float:
        """`initial / 2 ** epoch`."""
        return float(initial / 2**epoch)


@plugin
class Tenth(Schedule):
    """Leaves a tenth of the learning rate with each epoch."""

    def learning_rate(self, epoch: float, epochs: int, initial: float) -> float:
        """`initial / 10 ** epoch`."""
        return float(initial / 10**epoch)
