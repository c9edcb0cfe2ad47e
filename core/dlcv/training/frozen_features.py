"""The output of a frozen body, computed once: the classifier is trained on it alone."""

import inspect
import logging
import math
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import keras
import numpy as np

from dlcv import files
from dlcv.data.loader import Batch, Loader
from dlcv.data.pipeline import process_batch
from dlcv.progress import track
from dlcv.training.interruption import Interrupted, Interruption
from dlcv.training.network import Network

logger = logging.getLogger(__name__)
IN_MEMORY = 2**30
"""More bytes than these are stored in a file."""


@contextmanager
def frozen_features(
    network: Network,
    train: Loader,
    val: Loader,
    epochs: int,
    folder: Path,
    asked: Interruption,
) -> Iterator[tuple[keras.Model, Loader, Loader]]:
    """Gives what is to be trained, and its batches: on its features where that changes nothing.

    Whether it does depends on the stage alone, not on how much of it is left.

    Args:
        network: The network, frozen as the stage wants it.
        train: The training batches.
        val: The validation batches.
        epochs: Epochs of the stage.
        folder: Where features that do not fit into memory are stored while the block lasts.
        asked: Whether somebody asked to stop.

    Raises:
        Interrupted: somebody asked to stop.
        ImageError: an image can't be read or processed.
    """
    if not _is_body_frozen(network):
        yield network.model, train, val
        return
    if epochs < 2:
        yield _uncached(network), train, val
        return
    if reason := _obstacle(network, train):
        logger.info("the output of the frozen body is computed in every epoch, since %s", reason)
        yield _uncached(network), train, val
        return
    with ExitStack() as stack:
        rooms = [
            _room((len(loader.images), *network.body.output.shape[1:]), folder, name, stack)
            for name, loader in (("train", train), ("val", val))
        ]
        loaders = [
            FeatureLoader(loader, _computed(network.body, loader, room, asked))
            for loader, room in zip((train, val), rooms, strict=True)
        ]
        size = sum(loader.features.nbytes for loader in loaders) / 1e6
        logger.info("the output of the frozen body is computed once for the stage: %.1f MB", size)
        yield network.head(), *loaders


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


def _uncached(network: Network) -> keras.Model:
    """Returns what is trained where features are not cached, with the same result."""
    if any(map(_is_random_in_training, network.body.layers)):
        return network.with_constant_body()
    return network.model


def _is_random_in_training(layer: keras.Layer) -> bool:
    """Returns whether a layer has a source of randomness that it uses in training alone."""
    # What a layer has beside weights is the state of its randomness.
    is_random = len(layer.variables) != len(layer.weights)
    return is_random and "training" in inspect.signature(layer.call).parameters


def _is_body_frozen(network: Network) -> bool:
    """Returns whether only the classifier is trained, and there is a body that has weights."""
    body = network.body.layers[len(network.front.layers) :]
    weighted = [layer for layer in body if layer.weights]
    return bool(weighted) and not network.body.trainable_variables


def _obstacle(network: Network, train: Loader) -> str:
    """Returns why the body's output may differ from epoch to epoch; empty if it can't."""
    for layer in network.body.layers:
        if len(layer.variables) != len(layer.weights) and not _is_random_in_training(layer):
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
    files.require_space(folder, size)
    # So named, it is swept away with other left-overs if the process is killed.
    path = files.temporary_path(folder / f"features_{name}")
    stack.callback(path.unlink, missing_ok=True)
    return np.memmap(path, np.float32, "w+", shape=shape)
