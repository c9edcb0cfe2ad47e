"""Labelled images in memory, for tests that need exact control of what is read and when."""

import threading

import numpy as np

from dlcv.errors import ImageError
from dlcv.interfaces import LabelledImages, stack


class InMemory(LabelledImages):
    """Images that count how often each is read, and of which some can't be."""

    def __init__(self, images, labels=None, label_names=("a", "b"), broken=()):
        self.images = list(images)
        self.labels = np.asarray([0] * len(self.images) if labels is None else labels, np.int64)
        self.label_names = tuple(label_names)
        self.broken = set(broken)
        self.reads = []
        self._lock = threading.Lock()
        sizes = {image.shape[:2] for image in self.images}
        height, width = sizes.pop() if len(sizes) == 1 else (None, None)
        self.image_shape = (height, width, self.images[0].shape[2])

    def read(self, indices):
        with self._lock:
            self.reads += map(int, indices)
        for position, index in enumerate(indices):
            if index in self.broken:
                raise ImageError("is broken", name=self.sample_id(index), index=position)
        return stack([self.images[i] for i in indices])

    def sample_id(self, index):
        return f"image-{index}.png"

    def fingerprint(self):
        return f"{len(self.images)} images"


def numbered(count, size=(4, 4), channels=3, classes=2):
    """Images whose every pixel is their number (modulo 256), with labels that go round."""
    images = [np.full((*size, channels), number % 256, np.uint8) for number in range(count)]
    names = [chr(ord("a") + label) for label in range(classes)]
    return InMemory(images, [number % classes for number in range(count)], names)


def of_sizes(*sizes):
    """Random images of the sizes `(height, width)`."""
    rng = np.random.default_rng(0)
    return InMemory([rng.integers(0, 256, (*size, 3), np.uint8) for size in sizes])
