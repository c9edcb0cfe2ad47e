"""A learning rate that drops at given epochs."""

import bisect

from dlcv.errors import DlcvError
from dlcv.interfaces import Schedule, option, plugin


@plugin
class Step(Schedule):
    """Multiplies the learning rate with a factor at each of some epochs."""

    at: float | tuple[float, ...] = option(
        help="epochs after which the rate drops, in rising order", gt=0
    )
    factor: float = option(0.1, help="what the rate is multiplied with at each drop", gt=0, le=1)

    def __attrs_post_init__(self) -> None:
        """Refuses epochs that are not in order."""
        if list(self._drops) != sorted(set(self._drops)):
            raise DlcvError(f"step: at: the epochs {self.at} are not in rising order")

    def learning_rate(self, epoch: float, epochs: int, initial: float) -> float:
        """`initial * factor ** n` after n of the epochs."""
        return initial * self.factor ** bisect.bisect_right(self._drops, epoch)

    @property
    def _drops(self) -> tuple[float, ...]:
        return self.at if isinstance(self.at, tuple) else (self.at,)
