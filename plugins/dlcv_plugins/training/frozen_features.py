"""The output of a frozen body, computed once: the classifier is trained on it alone."""

import logging
import math
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import attrs
import keras
import numpy as np

from dlcv import files
from dlcv.api import (
    Batch,
    Loader,
    Network,
    is_random_in_training,
    process_batch,
    track,
)
from dlcv_plugins import storage
from dlcv_plugins.devices.sharing import share
from dlcv_plugins.training import batch_normalization
from dlcv_plugins.training.interruption import Interrupted, Interruption
from dlcv_plugins.training.stage import Stage

logger = logging.getLogger(__name__)
IN_MEMORY = 2**30
"""More bytes than these are stored in a file."""


@contextmanager
def on_features(stage: Stage) -> Iterator[Stage]:
    """Gives a stage that trains the classifier alone, on features, where that changes nothing.

    Whether it does depends on the stage alone, not on how much of it is left. Features that do not
    fit into memory are stored in the run's folder while the block lasts.

    Raises:
        Interrupted: somebody asked to stop.
        ImageError: an image can't be read or processed.
    """
    network = stage.network
    if not network.is_body_frozen or stage.settings.last_epoch < 2:
        yield stage
        return
    if reason := _obstacle(network, stage.train):
        logger.info("the output of the frozen body is computed in every epoch, since %s", reason)
        yield stage
        return
    with ExitStack() as stack:
        rooms = [
            _room((len(loader.images), *network.body.output.shape[1:]), stage.folder, name, stack)
            for name, loader in (("train", stage.train), ("val", stage.val))
        ]
        # As within the network: by XLA or not, and by the same operations.
        network.body.jit_compile = network.model.jit_compile
        batch_normalization.fuse(network.model)
        train, val = (
            FeatureLoader(loader, _computed(network.body, loader, room, stage.asked))
            for loader, room in zip((stage.train, stage.val), rooms, strict=True)
        )
        size = (train.features.nbytes + val.features.nbytes) / 1e6
        logger.info("the output of the frozen body is computed once for the stage: %.1f MB", size)
        yield attrs.evolve(stage, model=network.head(), train=train, val=val)


class FeatureLoader(Loader):
    """The batches of a loader, with features in the place of images.

    Attributes:
        features: Those of each image, float32, in the stored order.
    """

    def __init__(self, loader: Loader, features: np.ndarray) -> None:
        super().__init__(
            loader.images,
            loader.pipeline,
            batch_size=loader.batch_size,
            threads=loader.threads,
            seed=loader.seed,
        )
        self.features = features

    def with_batch_size(self, batch_size: int | None) -> "FeatureLoader":
        """Returns a loader of features in batches of another size; None for the same."""
        return FeatureLoader(super().with_batch_size(batch_size), self.features)

    def batch(self, epoch: int, index: int, order: np.ndarray) -> Batch:
        """Returns one batch."""
        indices = self.indices(index, order)
        return self.features[indices], self.one_hot(indices)


def _obstacle(network: Network, train: Loader) -> str:
    """Returns why the body's output may differ from epoch to epoch; empty if it can't."""
    for layer in network.body.layers:
        if len(layer.variables) != len(layer.weights) and not is_random_in_training(layer):
            return f"its layer {layer.name} is random"
        if getattr(layer, "activity_regularizer", None) is not None:
            return f"its layer {layer.name} adds to the loss"
    return "a preprocessor is random" if _is_random(train) else ""


def _is_random(loader: Loader) -> bool:
    """Returns whether any step takes something from the source of randomness."""
    rng = np.random.default_rng(0)
    before = str(rng.bit_generator.state)
    indices = np.arange(min(len(loader.images), loader.batch_size))
    pixels = process_batch(loader.images, indices, loader.pipeline, rng)
    labels = loader.one_hot(indices)
    for step in loader.pipeline.steps:
        pixels, labels = step.mix(pixels, labels, rng)
    spawned = getattr(rng.bit_generator.seed_seq, "n_children_spawned", 0)
    return bool(spawned) or str(rng.bit_generator.state) != before


def _computed(
    body: keras.Model, loader: Loader, features: np.ndarray, asked: Interruption
) -> np.ndarray:
    """Fills in the body's output for all images of a loader, and returns it."""
    plain = Loader(
        loader.images, loader.pipeline, batch_size=loader.batch_size, threads=loader.threads
    )
    done = 0
    share(body)
    with (
        track("computing the body's output", len(features), "images") as advance,
        closing(plain.epoch()) as batches,
    ):
        for pixels, _ in batches:
            if asked.signal:
                raise Interrupted(asked.signal)
            features[done : done + len(pixels)] = body.predict_on_batch(pixels)
            done += len(pixels)
            advance(len(pixels))
    return features


def _room(shape: tuple[int, ...], folder: Path, name: str, stack: ExitStack) -> np.ndarray:
    """Returns an array in memory, or in a file that is removed when the stack is closed."""
    size = math.prod(shape) * np.dtype(np.float32).itemsize
    if size <= IN_MEMORY:
        return np.empty(shape, np.float32)
    storage.require_space(folder, size)
    # So named, it is swept away with other left-overs if the process is killed.
    path = files.temporary_path(folder / f"features_{name}")
    stack.callback(path.unlink, missing_ok=True)
    return np.memmap(path, np.float32, "w+", shape=shape)
