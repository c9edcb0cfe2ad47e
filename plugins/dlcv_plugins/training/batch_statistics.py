"""Statistics of batch normalization, estimated anew where moving averages lag behind the weights.

Keras's moving averages keep 99 % of what they were at each step, so they need hundreds of steps to
mean anything. Training normalizes by the batch's own statistics and does not notice; validation and
the saved network use the averages, and may predict one class for everything. *Precise* statistics
are those of a number of training batches under the current weights (Wu & Johnson, "Rethinking
'Batch' in BatchNorm", 2021, section 3).
"""

import math
from typing import Any, Literal

import attrs
import keras
import numpy as np

from dlcv.api import Loader
from dlcv_plugins.devices.sharing import share
from dlcv_plugins.training.stage import Stage

SETTLED = 3.0
"""Time constants of a moving average, `1 / (1 - momentum)` steps each, after which 5 % are left."""
ENOUGH_IMAGES = 2048
"""Images whose statistics are close to those of any number more."""


def with_precise_statistics(stage: Stage) -> Stage:
    """Returns a stage that estimates statistics before each validation, where that is wanted."""
    statistics = BatchStatistics(stage.model)
    choice = stage.settings.batch_statistics
    if not statistics.are_wanted(choice, stage.train.steps_per_epoch):
        return stage

    def estimate(logs: Any) -> None:
        """Estimates from the batches that the epoch was trained on."""
        statistics.estimate(stage.train, stage.epochs_done)

    # The averages of the weights are in their place by then, so statistics fit the weights.
    precise = keras.callbacks.LambdaCallback(on_test_begin=estimate)
    return attrs.evolve(stage, callbacks=(*stage.callbacks, precise))


class BatchStatistics:
    """Estimates the statistics of a network's batch normalization from training batches.

    Attributes:
        layers: The layers whose statistics are estimated: those that are trained.
    """

    def __init__(self, model: keras.Model) -> None:
        self.layers = [
            layer
            for layer in model._flatten_layers()
            if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
        ]
        self._model = model
        self._in_training = InTraining(model)
        share(self._in_training)

    def are_wanted(
        self, choice: Literal["auto", "moving", "precise"], steps_per_epoch: int
    ) -> bool:
        """Returns whether statistics are to be estimated.

        Args:
            choice: `moving` averages alone, `precise` statistics, or `auto`: precise ones where
                moving averages can't settle within an epoch.
            steps_per_epoch: Steps an epoch.
        """
        slowest = max((layer.momentum for layer in self.layers), default=0.0)
        lag = steps_per_epoch * (1 - slowest) < SETTLED
        return bool(self.layers) and (choice == "precise" or (choice == "auto" and lag))

    def estimate(self, train: Loader, epoch: int) -> None:
        """Replaces the moving averages by the statistics of an epoch's first training batches.

        The mean is that of the batches' means; the variance is that of all values together, the
        mean of the batches' variances and the variance of their means.

        Args:
            train: The training batches.
            epoch: The epoch whose batches are taken, from 0, with their augmentation.
        """
        before = [keras.ops.convert_to_numpy(seed).copy() for seed in self._seeds()]
        momenta = [layer.momentum for layer in self.layers]
        order = train.order(epoch)
        count = min(train.steps_per_epoch, math.ceil(ENOUGH_IMAGES / train.batch_size))
        found = []
        self._in_training.jit_compile = self._model.jit_compile
        try:
            for layer in self.layers:
                layer.momentum = 0.0  # Then the average is the last batch's own statistic.
            for index in range(count):
                pixels, _ = train.batch(epoch, index, order)
                if len(pixels) == train.batch_size or not index:
                    self._in_training.predict_on_batch(pixels)
                    found.append([_statistics(layer) for layer in self.layers])
        finally:
            for layer, momentum in zip(self.layers, momenta, strict=True):
                layer.momentum = momentum
        for layer, batches in zip(self.layers, zip(*found, strict=True), strict=True):
            means, variances = (np.array(values) for values in zip(*batches, strict=True))
            layer.moving_mean.assign(means.mean(axis=0))
            layer.moving_variance.assign(variances.mean(axis=0) + means.var(axis=0))
        for seed, value in zip(self._seeds(), before, strict=True):
            seed.assign(value)

    def _seeds(self) -> list[Any]:
        return [v for v in self._in_training.non_trainable_variables if "seed" in v.path]


class InTraining(keras.Model):
    """A network that always computes as in training; `predict_on_batch` compiles it."""

    def __init__(self, network: keras.Model) -> None:
        """Wraps a network, which it shares its variables with."""
        super().__init__()
        self.network = network

    def call(self, pixels: Any) -> Any:
        """Returns the network's outputs, computed as in training."""
        return self.network(pixels, training=True)


def _statistics(layer: keras.layers.BatchNormalization) -> tuple[np.ndarray, np.ndarray]:
    """Returns a layer's mean and variance by channel, float64."""
    mean, variance = (
        np.array(keras.ops.convert_to_numpy(variable), np.float64)
        for variable in (layer.moving_mean, layer.moving_variance)
    )
    return mean, variance
