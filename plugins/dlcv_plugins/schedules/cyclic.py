"""Cosine decay with warm restarts."""

import math

from dlcv.interfaces import Schedule, option, plugin


@plugin
class Cyclic(Schedule):
    """Lets the learning rate fall along a cosine several times, from the start again each time.

    Stochastic gradient descent with warm restarts (Loshchilov and Hutter, 2017); the network at the
    end of each cycle is a member of a snapshot ensemble (Huang et al., 2017).
    """

    cycles: int = option(5, help="how often the rate falls, each time over as many epochs", ge=1)
    floor: float = option(
        0.0, help="share of the initial rate that is left at the end of a cycle", ge=0, le=1
    )

    def learning_rate(self, epoch: float, epochs: int, initial: float) -> float:
        """The cosine's rate within the cycle; the end of the stage is the end of its last cycle."""
        done = epoch * self.cycles / epochs
        # Rounding must not put the first step of a cycle at the end of the one before.
        cycle = min(math.floor(done + 1e-9), self.cycles - 1)
        share = (1 + math.cos(math.pi * (done - cycle))) / 2
        return initial * (self.floor + (1 - self.floor) * share)

    def cycle_ends(self, epochs: int) -> tuple[int, ...]:
        """The last epoch that ends within each cycle; a cycle shorter than an epoch may have none.

        Where cycles end within an epoch, the rate is lowest at the end of the epoch before.
        """
        ends = {cycle * epochs // self.cycles for cycle in range(1, self.cycles + 1)}
        return tuple(sorted(ends - {0}))
