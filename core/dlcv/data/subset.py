"""Parts of a data set: chosen, readable, or in memory."""

import hashlib
from collections.abc import Sequence

import attrs
import numpy as np

from dlcv import registry
from dlcv.data.loader import chunks, read_ahead
from dlcv.errors import ImageError
from dlcv.interfaces import Images, LabelledImages, Shape, stack
from dlcv.progress import track

CHUNK = 16
"""Images that a thread reads at once to see whether they can be read."""


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
        self.bit_depth = source.bit_depth

    def read(self, indices: Sequence[int] | np.ndarray) -> Images:
        """Reads images by their position in this subset."""
        return self.source.read(self.indices[np.asarray(indices)])

    def sample_id(self, index: int) -> str:
        """Returns the source's name of a sample."""
        return self.source.sample_id(int(self.indices[index]))

    def fingerprint(self) -> str:
        """Returns a hash of the source's fingerprint and of what was taken from it."""
        return self._taken_from(self.source.fingerprint())

    def earlier_fingerprints(self) -> tuple[str, ...]:
        """Returns the hashes with the source's earlier fingerprints."""
        return tuple(map(self._taken_from, self.source.earlier_fingerprints()))

    def _taken_from(self, fingerprint: str) -> str:
        content = fingerprint.encode() + self.indices.astype("<i8").tobytes()
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


@attrs.frozen(eq=False)
class Survey:
    """What a look at every image found.

    Attributes:
        images: The images that can be read, with their shape where it is the same for all.
        skipped: Why the others were left out, by name.
    """

    images: LabelledImages
    skipped: list[str]


def survey(images: LabelledImages, *, skip: bool, threads: int) -> Survey:
    """Reads every image, unless it is known already what shape each has.

    Args:
        images: The images of a split.
        skip: Whether to leave out images that can't be read, instead of raising.
        threads: Threads for reading.

    Raises:
        ImageError: an image can't be read, and `skip` is off.
    """
    if None not in images.image_shape or not len(images):
        return Survey(images, [])

    def look(indices: range) -> list[tuple[int, ...] | ImageError]:
        return [_shape(images, index, skip) for index in indices]

    found: list[tuple[int, ...] | ImageError] = []
    same: dict[tuple[int, ...] | ImageError, tuple[int, ...] | ImageError] = {}

    def find() -> np.ndarray | None:
        with track("checking the images", len(images), unit="images") as progress:
            for results in read_ahead(look, chunks(len(images), CHUNK), threads):
                # A million shapes take little room where equal ones are one object.
                found.extend(same.setdefault(each, each) for each in results)
                progress(len(results))
        are_good = not any(isinstance(shape, ImageError) for shape in same)
        return np.array(found, np.int64) if are_good else None

    shapes = registry.registry.hooks().dlcv_shapes(images=images, find=find)
    if shapes is None and not found:
        shapes = find()
    bad = [str(shape) for shape in found if isinstance(shape, ImageError)]
    good = [i for i, shape in enumerate(found) if not isinstance(shape, ImageError)]
    if shapes is None:
        shapes = np.array([found[i] for i in good], np.int64).reshape(-1, 3)
    indices = np.array(good, np.int64) if bad else np.arange(len(images))
    height, width, channels = images.image_shape
    if len(shapes) and (shapes == shapes[0]).all():
        height, width, channels = shapes[0].tolist()
    return Survey(Subset(images, indices, (height, width, channels)), bad)


def with_cure(error: ImageError) -> ImageError:
    """Returns an error about an image of a data set that says what to do about it."""
    return ImageError(f"{error}; remove the image, or leave such images out with --bad-images skip")


def _shape(images: LabelledImages, index: int, skip: bool) -> tuple[int, ...] | ImageError:
    try:
        return tuple(images.read([index])[0].shape)
    except ImageError as error:
        if not skip:
            raise with_cure(error) from None
        return error
