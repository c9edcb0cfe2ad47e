"""The loader: batches for training that depend on seed, epoch and position, and nothing else."""

import itertools
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeAlias, TypeVar

import numpy as np

from dlcv.data.pipeline import Pipeline, process_batch
from dlcv.interfaces import LabelledImages

Batch: TypeAlias = tuple[np.ndarray, np.ndarray]
"""Images `(N, H, W, C)` uint8 with one-hot labels `(N, classes)` float32."""
Position: TypeAlias = tuple[int, int, np.ndarray]
"""An epoch, a batch within it, and the epoch's order."""
Item = TypeVar("Item")
Result = TypeVar("Result")
AHEAD_PER_THREAD = 2
ORDER_STREAM, AUGMENTATION_STREAM = 0, 1
"""The second number of each seed, so that the streams of randomness are independent."""


class Loader:
    """Batches of one split: the same for any number of threads and any point of resumption."""

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

    def with_batch_size(self, batch_size: int | None) -> "Loader":
        """Returns a loader of batches of another size; None for the same."""
        return Loader(
            self.images,
            self.pipeline,
            batch_size=batch_size or self.batch_size,
            threads=self.threads,
            seed=self.seed,
        )

    @property
    def steps_per_epoch(self) -> int:
        """The number of batches in an epoch."""
        return -(-len(self.images) // self.batch_size)

    def order(self, epoch: int) -> np.ndarray:
        """Returns the indices of an epoch's images in the order in which they come, `(N,)`."""
        if self.seed is None:
            return np.arange(len(self.images))
        return np.random.default_rng([self.seed, ORDER_STREAM, epoch]).permutation(len(self.images))

    def batch(self, epoch: int, index: int, order: np.ndarray) -> Batch:
        """Returns one batch."""
        indices = self.indices(index, order)
        labels = self.one_hot(indices)
        if self.seed is None:
            return process_batch(self.images, indices, self.pipeline, None), labels
        rng = np.random.default_rng([self.seed, AUGMENTATION_STREAM, epoch, index])
        pixels = process_batch(self.images, indices, self.pipeline, rng)
        for step in self.pipeline.steps:
            pixels, labels = step.at(epoch, indices).mix(pixels, labels, rng)
        return pixels, labels

    def indices(self, index: int, order: np.ndarray) -> np.ndarray:
        """Returns which images are in a batch, `(N,)`."""
        return order[index * self.batch_size : (index + 1) * self.batch_size]

    def one_hot(self, indices: np.ndarray) -> np.ndarray:
        """Returns the labels of images, `(N, classes)` float32."""
        labels = np.zeros((len(indices), len(self.images.label_names)), np.float32)
        labels[np.arange(len(indices)), self.images.labels[indices]] = 1
        return labels

    def epoch(self) -> Generator[Batch, None, None]:
        """Yields the batches of the first epoch, and reads no further than that."""
        return self._read(itertools.islice(self._positions(0), self.steps_per_epoch))

    def stream(self, first: int) -> Generator[Batch, None, None]:
        """Yields batches for ever, from step `first` on; closing it stops its threads."""
        return self._read(self._positions(first))

    def _read(self, positions: Iterable[Position]) -> Generator[Batch, None, None]:
        return read_ahead(lambda at: self.batch(*at), positions, self.threads)

    def _positions(self, first: int) -> Iterator[Position]:
        start_epoch, start = divmod(first, self.steps_per_epoch)
        for epoch in itertools.count(start_epoch):
            order = self.order(epoch)
            for index in range(start, self.steps_per_epoch):
                yield epoch, index, order
            start = 0


def read_ahead(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Generator[Result, None, None]:
    """Yields `function(item)` for each item, in order, computed in threads.

    A few results a thread wait to be read, so that memory stays bounded and an endless stream of
    items can be mapped. Closing the iterator stops the threads.
    An exception of `function` is raised where its result would have been read.
    """
    waiting: deque[Future[Result]] = deque()
    executor = ThreadPoolExecutor(threads, thread_name_prefix="dlcv-read-ahead")
    with _opencv_threads:
        try:
            for item in items:
                waiting.append(executor.submit(function, item))
                if len(waiting) > AHEAD_PER_THREAD * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            executor.shutdown(wait=True, cancel_futures=True)


def chunks(count: int, size: int) -> Iterator[range]:
    """Yields the ranges that divide `range(count)` into parts of at most `size`."""
    for start in range(0, count, size):
        yield range(start, min(start + size, count))


class _OpenCVThreads:
    """Keeps OpenCV from starting threads within ours, for which there are no processors left.

    Measured on two: they took a fifth to two thirds more processor time, and gained little. The
    number is the process's, so it is given back when the last of several readers ends.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readers = 0
        self._before = 0

    def __enter__(self) -> None:
        import cv2

        with self._lock:
            if not self._readers:
                self._before = cv2.getNumThreads()
                cv2.setNumThreads(1)
            self._readers += 1

    def __exit__(self, *_: object) -> None:
        import cv2

        with self._lock:
            self._readers -= 1
            if not self._readers:
                cv2.setNumThreads(self._before)


_opencv_threads = _OpenCVThreads()
