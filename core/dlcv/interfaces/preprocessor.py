"""Preprocessors: images to images, a batch at a time."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Self, TypeAlias

import attrs

from dlcv.errors import DlcvError, ImageError
from dlcv.interfaces.base import Plugin, plugin

if TYPE_CHECKING:
    import keras
    import numpy as np

Images: TypeAlias = "np.ndarray | Sequence[np.ndarray]"
"""`(N, H, W, C)`, or a list of `(H, W, C)` where sizes differ; uint8, RGB or grey."""
Size: TypeAlias = tuple[int, int]
"""`(height, width)` in pixels."""
Shape: TypeAlias = tuple[int | None, int | None, int]
"""`(height, width, channels)`; None where sizes differ."""


@attrs.frozen
class PreparationContext:
    """What a preprocessor may learn from.

    Attributes:
        input_size: `(height, width)` of the network's input.
        training_batches: Starts a pass over the training images as they reach this step, without
            randomness, in batches of `(N, H, W, C)`: uint8, or float32 after a value step.
    """

    input_size: Size
    training_batches: "Callable[[], Iterator[np.ndarray]]"


@plugin
class Preprocessor(Plugin, ABC):
    """Images to images.

    A *pixel step* takes and returns uint8 images. A *value step* also has a layer (`as_layer`):
    it computes float32 values, becomes part of the network, and so always runs last.
    """

    kind: ClassVar[str] = "preprocessor"

    @property
    def views(self) -> int:
        """How many views of each image the step gives; one, and it gives `(N, H, W, C)`.

        A step of several views gives `(N, views, H, W, C)`. Later steps get each view as an image
        of its own, and predictions are averaged over an image's views. It has no place in training.
        """
        return 1

    @abstractmethod
    def __call__(self, images: Images, rng: "np.random.Generator | None" = None) -> Images:
        """Processes a batch.

        Args:
            images: `(N, H, W, C)` array, or a list of `(H, W, C)` arrays where sizes differ; uint8.
            rng: The source of randomness in training; None otherwise, and then a random step does
                its deterministic counterpart, or nothing.

        Returns:
            A batch of as many images; an array where all have the same size. A step of several
            `views` gives each image an axis of them in front.
        """

    def with_output_size(self, size: Size) -> Self:
        """Returns a copy in which a size that was left open is `(height, width)`."""
        return self

    def prepare(self, context: PreparationContext) -> Self:
        """Returns a copy that learned what it needs, such as a mean, from the training images."""
        return self

    def output_shape(self, shape: Shape) -> Shape:
        """Returns the shape of an image after this step, None where it depends on the image."""
        return shape

    def source_size(self, size: Size) -> Size:
        """Returns the `(height, width)` that images should have before, to end up with `size`."""
        return size

    def as_layer(self) -> "keras.Layer":
        """Returns a value step as a Keras layer with the dtype float32; pixel steps have none.

        The first layer of a network receives uint8 pixels, a later one float32 values.
        """
        raise DlcvError(f"{type(self).__name__} works on pixels and has no layer")

    def at(self, epoch: int, indices: "np.ndarray") -> Self:
        """Returns the step whose `mix` gets these images, `(N,)`, in an epoch, from 0."""
        return self

    def mix(
        self, images: "np.ndarray", labels: "np.ndarray", rng: "np.random.Generator"
    ) -> "tuple[np.ndarray, np.ndarray]":
        """Combines images and their labels in training, after all pixel steps.

        Args:
            images: `(N, H, W, C)` uint8.
            labels: `(N, classes)` float32, one-hot or already mixed.
            rng: The source of randomness.

        Returns:
            As many images and labels; by default they are unchanged.
        """
        return images, labels


def is_value_step(step: Preprocessor) -> bool:
    """Returns whether a preprocessor has a layer and so belongs into the network."""
    return type(step).as_layer is not Preprocessor.as_layer


@plugin
class ImagePreprocessor(Preprocessor):
    """A preprocessor that is written for one image and applied to each of a batch."""

    @abstractmethod
    def process(self, image: "np.ndarray", rng: "np.random.Generator | None") -> "np.ndarray":
        """Processes one image, `(H, W, C)` uint8, to another."""

    def __call__(self, images: Images, rng: "np.random.Generator | None" = None) -> Images:
        """Applies `process` to each image; the result is an array where all have the same size.

        Raises:
            ImageError: an image can't be processed; the error knows which.
        """
        results = []
        for index, image in enumerate(images):
            try:
                results.append(self.process(image, rng))
            except DlcvError as error:
                raise ImageError(str(error), index=index) from error
        return stack(results)


def stack(images: "Sequence[np.ndarray]") -> Images:
    """Returns images as one `(N, H, W, C)` array where all have the same shape, else the list."""
    import numpy as np

    if len(images) == 1:
        return images[0][np.newaxis]
    if len(images) and all(image.shape == images[0].shape for image in images):
        return np.stack(images)
    return list(images)
