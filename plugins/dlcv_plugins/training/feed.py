"""Feeding Keras: batches by index, whatever order and thread Keras asks from."""

import itertools
import threading
from collections.abc import Callable, Generator
from typing import Any, Self

import keras
import numpy as np

from dlcv.api import Batch, Loader

AHEAD = 1
"""Batches that are turned into tensors while TensorFlow computes."""


class Feed(keras.utils.PyDataset):
    """The batches of a loader from one step to another, as Keras wants them.

    Keras probes the first batches, drops iterators and makes new ones, and reads beyond the end;
    since a batch depends on its index alone, what is asked out of order is read again.

    Attributes:
        error: What went wrong while reading; Keras turns it into an error of the back end.
    """

    def __init__(
        self,
        loader: Loader,
        first: int,
        count: int,
        class_weights: np.ndarray | None = None,
        notify: Callable[..., None] | None = None,
    ) -> None:
        """Starts to feed.

        Args:
            loader: Where the batches come from.
            first: The step of the loader to begin with.
            count: How many steps will be used.
            class_weights: What each class counts in the loss, `(classes,)`; an image whose label
                is mixed of several classes counts as the mean of theirs.
            notify: Is called once with each batch, as `images` and `labels`.
        """
        super().__init__(workers=1)
        self.error: Exception | None = None
        self._loader: Loader | None = loader
        self._first = first
        self._count = count
        self._class_weights = class_weights
        self._notify = notify
        self._notified = 0
        self._lock = threading.Lock()
        self._stream: Generator[Batch, None, None] | None = None
        self._next = -1
        self._last: tuple[np.ndarray, ...] | None = None

    @property
    def num_batches(self) -> None:
        """No number, or Keras would begin another pass as soon as one ends."""
        return None

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        """Returns a batch; beyond the last one, what Keras only reads ahead costs nothing."""
        with self._lock:
            is_over = self._loader is None or index >= self._count
            if self._last is not None and (is_over or index == self._next - 1):
                return self._last
            if self._loader is None:
                raise IndexError(index)
            if index != self._next or self._stream is None:
                self._stop()
                self._stream = self._loader.stream(self._first + index)
            try:
                batch = next(self._stream)
                if self._notify is not None and index == self._notified:
                    self._notify(images=batch[0], labels=batch[1])
                    self._notified += 1
                self._last = self._weighted(batch)
            except Exception as error:
                self.error = error
                raise
            self._next = index + 1
            return self._last

    def data(self) -> Any:
        """Returns what Keras's `fit` takes: this, or for TensorFlow a `tf.data.Dataset` of it.

        The one that Keras makes of a `PyDataset` is tuned by a thread of tf.data, which sleeps for
        up to a minute, through the end of what it tunes: `fit` waits for it at the end of an epoch.
        """
        if keras.backend.backend() != "tensorflow":
            return self
        import tensorflow as tf

        options = tf.data.Options()
        options.autotune.enabled = False
        batches = tf.data.Dataset.from_generator(
            lambda: map(self.__getitem__, itertools.count()),
            output_signature=tuple(
                tf.TensorSpec((None, *array.shape[1:]), array.dtype) for array in self[0]
            ),
        )
        return batches.prefetch(AHEAD).with_options(options)

    def __enter__(self) -> Self:
        """Returns itself."""
        return self

    def __exit__(self, *exception: Any) -> None:
        """Stops the threads that read ahead, and lets go of the images and the network.

        TensorFlow keeps what Keras made of this for as long as the process lives.
        """
        with self._lock:
            self._loader = self._notify = None
            self._stop()

    def _weighted(self, batch: Batch) -> tuple[np.ndarray, ...]:
        images, labels = batch
        return (
            batch if self._class_weights is None else (images, labels, labels @ self._class_weights)
        )

    def _stop(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._stream = None
