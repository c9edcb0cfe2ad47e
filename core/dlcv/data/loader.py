"""The loader: batches for training that depend on seed, epoch and position, and nothing else."""

from collections.abc import Iterator

import numpy as np

from dlcv.data.pipeline import Pipeline, process_batch
from dlcv.data.readahead import read_ahead
from dlcv.interfaces import LabelledImages

ORDER_STREAM, AUGMENTATION_STREAM = 0, 1
"""The second number of each seed, so that the streams of randomness are independent."""


class Loader:
    """Batches of one split.

    The same batches come for any number of threads and any point at which training is resumed.

    Attributes:
        error: What went wrong in a thread, for Keras turns exceptions of a generator into its own.
    """

    def __init__(
        self,
        images: LabelledImages,
        pipeline: Pipeline,
        *,
        batch_size: int,
        threads: int,
        seed: int | None = None,
    ) -> None:
        """Prepares to load.

        Args:
            images: The images, with labels as indices into their label names.
            pipeline: What happens to the pixels.
            batch_size: Images a batch; the last of an epoch may be smaller.
            threads: Threads that read ahead.
            seed: In training, what order and randomness depend on; None for stored order and
                deterministic steps.
        """
        self.images = images
        self.pipeline = pipeline
        self.batch_size = batch_size
        self.threads = threads
        self.seed = seed
        self.error: BaseException | None = None
        self._closed = False
        self._one_hot = np.eye(len(images.label_names), dtype=np.float32)

    @property
    def steps_per_epoch(self) -> int:
        """The number of batches in an epoch."""
        return -(-len(self.images) // self.batch_size)

    def order(self, epoch: int) -> np.ndarray:
        """Returns the indices of an epoch's images in the order in which they come, `(N,)`."""
        if self.seed is None:
            return np.arange(len(self.images))
        return np.random.default_rng([self.seed, ORDER_STREAM, epoch]).permutation(len(self.images))

    def batch(self, epoch: int, index: int, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns one batch: images `(N, H, W, C)` uint8, one-hot labels `(N, classes)` float32."""
        indices = order[index * self.batch_size : (index + 1) * self.batch_size]
        labels = self._one_hot[self.images.labels[indices]]
        if self.seed is None:
            return process_batch(self.images, indices, self.pipeline, None), labels
        rng = np.random.default_rng([self.seed, AUGMENTATION_STREAM, epoch, index])
        pixels = process_batch(self.images, indices, self.pipeline, rng)
        for step in self.pipeline.steps:
            pixels, labels = step.mix(pixels, labels, rng)
        return pixels, labels

    def epoch(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields the batches of one pass in stored order."""
        yield from self._read(self._positions(epoch=0, index=0, epochs=1))

    def stream(self, epoch: int = 0, index: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields batches for ever, from batch `index` of `epoch` on, until `close` is called."""
        try:
            yield from self._read(self._positions(epoch, index, epochs=None))
        except GeneratorExit:
            raise
        except BaseException as error:
            self.error = error
            raise

    def close(self) -> None:
        """Ends the stream, and with it its threads, at the next batch."""
        self._closed = True

    def _positions(
        self, epoch: int, index: int, epochs: int | None
    ) -> Iterator[tuple[int, int, np.ndarray]]:
        while epochs is None or epoch < epochs:
            order = self.order(epoch)
            for position in range(index, self.steps_per_epoch):
                if self._closed:
                    return
                yield epoch, position, order
            epoch, index = epoch + 1, 0

    def _read(
        self, positions: Iterator[tuple[int, int, np.ndarray]]
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        yield from read_ahead(lambda position: self.batch(*position), positions, self.threads)
