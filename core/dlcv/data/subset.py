"""Parts of a data set, and data sets in memory."""

import hashlib
from collections.abc import Sequence

import numpy as np

from dlcv.interfaces import Images, LabelledImages, Shape, stack


class Subset(LabelledImages):
    """Some of the images of another split, in the order given."""

    def __init__(
        self, source: LabelledImages, indices: np.ndarray, image_shape: Shape | None = None
    ) -> None:
        self.source = source
        self.indices = indices
        self.labels = source.labels[indices]
        self.label_names = source.label_names
        self.image_shape = image_shape or source.image_shape

    def read(self, indices: Sequence[int] | np.ndarray) -> Images:
        """Reads images by their position in this subset."""
        return self.source.read(self.indices[np.asarray(indices)])

    def sample_id(self, index: int) -> str:
        """Returns the source's name of a sample."""
        return self.source.sample_id(int(self.indices[index]))

    def fingerprint(self) -> str:
        """Returns a hash of the source's fingerprint and of what was taken from it."""
        content = self.source.fingerprint().encode() + self.indices.astype("<i8").tobytes()
        return hashlib.sha256(content).hexdigest()


def share_of(images: LabelledImages, share: float, seed: int) -> Subset:
    """Returns a share of each class's images, chosen at random, and at least one of each.

    A larger share holds the images of a smaller one.

    Args:
        images: The images, which keep their order.
        share: Above 0, up to 1.
        seed: The seed of the choice.
    """
    rng = np.random.default_rng(seed)
    chosen = []
    for label in range(len(images.label_names)):
        of_class = rng.permutation(np.flatnonzero(images.labels == label))
        chosen.append(of_class[: max(1, round(share * len(of_class)))])
    return Subset(images, np.sort(np.concatenate(chosen)))


class ArrayImages(LabelledImages):
    """Images that are in memory already, without known labels: what a user wants predicted."""

    def __init__(self, images: Sequence[np.ndarray], ids: Sequence[str]) -> None:
        self.images = images
        self.ids = ids
        self.labels = np.zeros(len(images), np.int64)
        self.label_names = ("",)
        height, width = (None, None)
        if len({image.shape for image in images}) == 1:
            height, width = images[0].shape[:2]
        self.image_shape = (height, width, images[0].shape[2])

    def read(self, indices: Sequence[int] | np.ndarray) -> Images:
        """Returns images by index."""
        return stack([self.images[i] for i in indices])

    def sample_id(self, index: int) -> str:
        """Returns a sample's name."""
        return self.ids[index]

    def fingerprint(self) -> str:
        """Returns a hash of the pixels."""
        digest = hashlib.sha256()
        for image in self.images:
            digest.update(np.ascontiguousarray(image).tobytes())
        return digest.hexdigest()
