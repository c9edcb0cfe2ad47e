"""Short trainings that try learning rates, each from the same initial weights."""

from collections.abc import Iterator
from contextlib import closing

import attrs
import keras
import numpy as np

from dlcv.api import Advance, Batch, Loader, StageConfig, track
from dlcv.interfaces import Schedule, evolve, option, plugin
from dlcv.registry import Spec
from dlcv_plugins.commands.lr_search.results import (
    RangeTest,
    StepSearch,
    Try,
    diverges,
    first_rise,
    refusal,
    tried_rates,
)
from dlcv_plugins.training import class_weights
from dlcv_plugins.training.batch_statistics import BatchStatistics
from dlcv_plugins.training.compiling import compile_stage, make_loss
from dlcv_plugins.training.interruption import Interrupted, Interruption


@plugin
class Rising(Schedule):
    """Lets the rate rise exponentially over the stage; a factor of 1 keeps it constant."""

    factor: float = option(1.0, help="how often the first rate the last one is", gt=0)

    def learning_rate(self, epoch: float, epochs: int, initial: float) -> float:
        """`initial * factor ** (epoch / epochs)`."""
        return float(initial * self.factor ** (epoch / epochs))


@attrs.frozen(eq=False)
class Trials:
    """All that trying needs.

    Attributes:
        model: The network, with the weights that each try starts from and the layers frozen that
            the stage does not train.
        stage: The settings of the stage whose rate is searched.
        train: The training batches.
        val: The validation batches.
        asked: Whether somebody asked to stop.
        jit_compile: Whether XLA compiles the network: `auto`, `on` or `off`.
        statistics: What estimates those of batch normalization.
    """

    model: keras.Model
    stage: StageConfig
    train: Loader
    val: Loader
    asked: Interruption
    jit_compile: str
    statistics: BatchStatistics = attrs.field(init=False)

    @statistics.default
    def _statistics(self) -> BatchStatistics:
        return BatchStatistics(self.model)

    def search(self, highest: float, lowest: float, epochs: int) -> StepSearch:
        """Tries the highest rate, a tenth of it, and so on, until the loss falls steadily.

        Raises:
            DlcvError: an image can't be read, or the range is upside down.
        """
        start, even_guess = self._state(), self._even_guess()
        tries: list[Try] = []
        for rate in tried_rates(highest, lowest):
            for variable, value in start:
                variable.assign(value)
            try:
                tries.append(self._try(rate, epochs, even_guess))
            except Interrupted as stop:
                return StepSearch(even_guess, tuple(tries), stop.signal)
            if not tries[-1].refusal:
                break
        return StepSearch(even_guess, tuple(tries))

    def range_test(self, highest: float, lowest: float, steps: int) -> RangeTest:
        """Trains while the rate rises from step to step, until the loss diverges.

        Raises:
            DlcvError: an image can't be read.
        """
        even_guess = self._even_guess()
        # A schedule's last step is one before its end.
        rising = Rising(factor=(highest / lowest) ** (steps / (steps - 1)))
        rates = self._compile(lowest, rising, epochs=1, steps=steps)
        losses: list[float] = []
        stopped_by = 0
        with (
            track("range test", steps, "steps") as advance,
            closing(self.train.stream(0)) as batches,
        ):
            try:
                for rate, (loss, _) in zip(rates, self._train_on(batches), strict=False):
                    losses.append(loss)
                    advance(1, f"rate {rate:.1e}, loss {loss:.3f}")
                    if diverges(losses, even_guess):
                        break
            except Interrupted as stop:
                stopped_by = stop.signal
        done = tuple(float(rate) for rate in rates[: len(losses)])
        diverged = not stopped_by and diverges(losses, even_guess)
        return RangeTest(even_guess, done, tuple(losses), diverged, stopped_by)

    def _try(self, rate: float, epochs: int, even_guess: float) -> Try:
        self._compile(rate, Rising(), epochs, self.train.steps_per_epoch)
        losses: list[float] = []
        val_losses: list[float] = []
        images = epochs * len(self.train.images)
        with (
            track(f"rate {rate:g}", images, "images") as advance,
            closing(self.train.stream(0)) as batches,
        ):
            # Once it has risen, the loss can't have fallen steadily whatever comes.
            while len(losses) < epochs and not first_rise(losses, even_guess):
                losses.append(self._epoch(batches, len(losses) + 1, advance))
                val_losses.append(self._validate())
        reason = refusal(losses, val_losses, even_guess)
        return Try(rate, tuple(losses), tuple(val_losses), reason)

    def _epoch(self, batches: Iterator[Batch], epoch: int, advance: Advance) -> float:
        """Trains an epoch and returns its mean loss; it ends where that is no number any more."""
        losses, sizes = [], []
        steps = range(self.train.steps_per_epoch)
        for _, (loss, size) in zip(steps, self._train_on(batches), strict=False):
            losses.append(loss)
            sizes.append(size)
            advance(size, f"epoch {epoch}, loss {loss:.3f}")
            if not np.isfinite(loss):
                break
        return float(np.average(losses, weights=sizes))

    def _train_on(self, batches: Iterator[Batch]) -> Iterator[tuple[float, int]]:
        """Yields the loss of each step and the size of its batch.

        Raises:
            Interrupted: somebody asked to stop.
        """
        images, weights = self.train.images, None
        if self.stage.class_weights == "balanced":
            weights = class_weights.balanced(images.labels, len(images.label_names))
        for pixels, labels in batches:
            if self.asked.signal:
                raise Interrupted(self.asked.signal)
            of_each = None if weights is None else labels @ weights
            logs = self.model.train_on_batch(pixels, labels, of_each, return_dict=True)
            yield float(logs["loss"]), len(pixels)

    def _validate(self) -> float:
        """Returns the mean loss over the validation images, with statistics as in training."""
        if self.statistics.are_wanted(self.stage.batch_statistics, self.train.steps_per_epoch):
            self.statistics.estimate(self.train, 0)
        losses, sizes = [], []
        with closing(self.val.epoch()) as batches:
            for pixels, labels in batches:
                if self.asked.signal:
                    raise Interrupted(self.asked.signal)
                logs = self.model.test_on_batch(pixels, labels, return_dict=True)
                losses.append(float(logs["loss"]))
                sizes.append(len(pixels))
        return float(np.average(losses, weights=sizes))

    def _even_guess(self) -> float:
        """Returns the loss of the same probability for each class, with the initial weights'."""
        labels = np.eye(len(self.train.images.label_names), dtype=np.float32)
        loss = make_loss(self.stage.loss)(labels, np.full_like(labels, 1 / len(labels)))
        return float(loss) + sum(float(penalty) for penalty in self.model.losses)

    def _compile(self, rate: float, schedule: Schedule, epochs: int, steps: int) -> np.ndarray:
        """Compiles the network for a try and returns the rate of each of its steps."""
        optimizer = self.stage.optimizer
        optimizer = Spec(optimizer.name, {**optimizer.options, "learning_rate": rate})
        stage = evolve(self.stage, optimizer=optimizer, epochs=epochs)
        return compile_stage(self.model, stage, schedule, steps, self.jit_compile)

    def _state(self) -> list[tuple[keras.Variable, np.ndarray]]:
        """Returns the weights, moving averages and seeds of random layers, with their values."""
        return [(v, keras.ops.convert_to_numpy(v).copy()) for v in self.model.variables]
