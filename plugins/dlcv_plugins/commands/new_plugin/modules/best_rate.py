"""A search for the learning rate before the training."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dlcv.api import GradientDescent, Run, RunConfig
from dlcv.interfaces import option, plugin


@plugin
class BestRate(GradientDescent):
    """Trains one epoch with each of several learning rates, and then all with the best."""

    rates: tuple[float, ...] = option((0.001, 0.003), help="the learning rates to try", gt=0)

    def train(self, config: RunConfig, *, yielding: list[str], **place: Any) -> Run:
        """Trains with the rate that led to the lowest validation loss."""
        losses = {rate: self._loss(config, rate, yielding) for rate in self.rates}
        best = min(losses, key=lambda rate: losses[rate])
        return super().train(config.with_options(learning_rate=best), yielding=yielding, **place)

    def _loss(self, config: RunConfig, rate: float, yielding: list[str]) -> float:
        tried = config.with_options(learning_rate=rate, epochs=1)
        with TemporaryDirectory() as folder:
            run = super().train(tried, name=None, runs=Path(folder), force=False, yielding=yielding)
            if run.stopped_by:
                raise KeyboardInterrupt
            return run.history[-1]["val_loss"]
