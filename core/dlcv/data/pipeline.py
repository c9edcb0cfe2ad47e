"""The pipeline of preprocessors: pixel steps in the loader, value steps in the network."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import attrs
import numpy as np

from dlcv import registry
from dlcv.errors import DlcvError, ImageError, PluginError
from dlcv.interfaces import Images, LabelledImages, Preprocessor, Shape, Size, is_value_step, stack
from dlcv.registry.defaults import default, default_or_none

BYTES_AT_ONCE = 16_000_000
"""Pixels that a thread holds before they are brought to their size."""


@attrs.frozen
class Pipeline:
    """Preprocessors that fit together.

    Attributes:
        pixel_steps: Run in the loader, in this order; uint8 in, uint8 out.
        value_steps: Run in the network, in this order, after all pixel steps.
    """

    pixel_steps: tuple[Preprocessor, ...]
    value_steps: tuple[Preprocessor, ...]

    @classmethod
    def of(cls, steps: Sequence[Preprocessor]) -> "Pipeline":
        """Sorts steps into the two parts; within a part the order stays."""
        return cls(
            tuple(s for s in steps if not is_value_step(s)),
            tuple(s for s in steps if is_value_step(s)),
        )

    @property
    def until_sized(self) -> tuple[Preprocessor, ...]:
        """The pixel steps up to the first that gives all images one size."""
        sizes = list(map(output_size, self.pixel_steps))
        first = next((i for i, size in enumerate(sizes) if size), -1)
        return self.pixel_steps[: first + 1]

    @property
    def after_sized(self) -> tuple[Preprocessor, ...]:
        """The other pixel steps."""
        return self.pixel_steps[len(self.until_sized) :]

    @property
    def steps(self) -> tuple[Preprocessor, ...]:
        """All steps in the order in which they run, the canonical order."""
        return self.pixel_steps + self.value_steps

    @property
    def views(self) -> int:
        """How many views of each image reach the network."""
        return math.prod(step.views for step in self.pixel_steps)

    def with_sizes(self, size: Size) -> "Pipeline":
        """Returns a copy that ends with `size`, where sizes were left open.

        They are filled in from the last step to the first, since each wants room for the next.
        """
        sized: list[Preprocessor] = []
        for step in reversed(self.pixel_steps):
            sized.insert(0, step.with_output_size(size))
            size = step.source_size(output_size(sized[0]) or size)
        return attrs.evolve(self, pixel_steps=tuple(sized))

    def output_shape(self, shape: Shape) -> Shape:
        """Returns an image's shape after the pixel steps."""
        for step in self.pixel_steps:
            shape = step.output_shape(shape)
        return shape

    def pixels(self, images: Images, rng: np.random.Generator | None = None) -> np.ndarray:
        """Runs the pixel steps on a batch.

        Returns:
            `(N * views, H, W, C)` uint8; the views of an image follow each other.

        Raises:
            ImageError: an image can't be processed; `index` tells which.
            DlcvError: the images do not end up with the same size.
        """
        images = apply_steps(self.pixel_steps, images, rng)
        if not isinstance(images, np.ndarray):
            last = [f" after {registry.spec_of(step).name}" for step in self.pixel_steps[-1:]]
            raise DlcvError(f"the images differ in size{''.join(last)}; put {resizing()} first")
        return images

    def values(self, images: np.ndarray) -> np.ndarray:
        """Runs the value steps outside the network; `(N, H, W, C)` uint8 to float32."""
        result: Images = images
        for step in self.value_steps:
            result = step(result)
        return np.asarray(result, np.float32)


def process_batch(
    images: LabelledImages, indices: np.ndarray, pipeline: Pipeline, rng: np.random.Generator | None
) -> np.ndarray:
    """Reads images and runs the pixel steps on them.

    Returns:
        `(N * views, H, W, C)` uint8; the views of an image follow each other.

    Raises:
        ImageError: an image can't be read or processed; the message names it.
    """
    first, second = Pipeline(pipeline.until_sized, ()), Pipeline(pipeline.after_sized, ())
    parts = []
    for part in np.array_split(indices, -(-len(indices) // _part_size(images))):
        with _naming(images, part):
            parts.append(apply_steps(first.pixel_steps, images.read(part), rng))
    together = parts[0] if len(parts) == 1 else stack([image for part in parts for image in part])
    with _naming(images, indices), _counting_images(first.views):
        return second.pixels(together, rng)


def apply_steps(
    steps: Sequence[Preprocessor], images: Images, rng: np.random.Generator | None
) -> Images:
    """Runs pixel steps; views go on as images of their own, those of an image one after the other.

    Raises:
        ImageError: an image can't be processed; `index` tells which.
        DlcvError: a step gives something else than bytes.
    """
    views = 1
    for step in steps:
        with _counting_images(views):
            images = step(images, rng)
        if any(image.dtype != np.uint8 for image in images[:1]):
            name = registry.spec_of(step).name
            raise DlcvError(
                f"{name} gives {images[0].dtype} pixels; a step without a layer must give uint8"
            )
        if step.views != 1:
            images = _folded(images)
            views *= step.views
    return images


def refuse_views(steps: Sequence[Preprocessor]) -> None:
    """Raises a `DlcvError` for a step of several views, which is for predictions alone."""
    for step in steps:
        if step.views != 1:
            name = registry.spec_of(step).name
            raise DlcvError(
                f"{name} gives {step.views} views of each image, which is for predictions; "
                f"leave it out in training, and use `dlcv evaluate RUN --preproc {name}` afterwards"
            )


def output_size(step: Preprocessor) -> Size | None:
    """Returns the size that a step gives to all images, whatever they had before."""
    height, width, _ = step.output_shape((None, None, 3))
    return None if height is None or width is None else (height, width)


def resizes(step: Preprocessor) -> bool:
    """Returns whether a step brings images of any size to its own: `patch` needs larger ones."""
    size = output_size(step)
    return size is not None and step.source_size(size) == size


def resizing_step() -> Preprocessor:
    """Makes the step that brings images of any size to one, where a user named none.

    Raises:
        DlcvError: no installed package chooses one, or it can't be used.
    """
    chosen = default("resize")
    try:
        return registry.create("preprocessor", chosen)
    except PluginError as error:
        raise DlcvError(f"{error}; name a preprocessor that resizes the images") from None


def resizing(size: Size | None = None) -> str:
    """Returns what to add where nothing resizes, to `size` if it is known, for people."""
    name = default_or_none("resize")
    if name is None or size is None:
        return name or "a preprocessor that resizes"
    return str(registry.spec_of(resizing_step().with_output_size(size)))


def states_of(steps: Iterable[Preprocessor]) -> dict[str, np.ndarray]:
    """Returns what steps learned, as arrays by `position.name`."""
    return {
        f"{index}.{name}": array
        for index, step in enumerate(steps)
        for name, array in step.state_dict().items()
    }


def with_states(
    steps: Iterable[Preprocessor], arrays: Mapping[str, np.ndarray]
) -> list[Preprocessor]:
    """Returns steps that know what `states_of` gave.

    Raises:
        KeyError: there is no step at a position.
        ValueError: a position is no number.
        DlcvError: an array's name is none of the step's state; others as the step says.
    """
    known = dict(enumerate(steps))
    for place, array in arrays.items():
        index, _, name = place.partition(".")
        known[int(index)] = known[int(index)].with_state({name: array})
    return [*known.values()]


@contextmanager
def _counting_images(views: int) -> Iterator[None]:
    """Turns the position of a view, in an error, into that of its image."""
    try:
        yield
    except ImageError as error:
        if error.index is not None:
            error.index //= views
        raise


def _folded(images: Images) -> Images:
    """Returns `(N, views, H, W, C)` as `(N * views, H, W, C)`, or as a list where sizes differ."""
    if isinstance(images, np.ndarray):
        return images.reshape(-1, *images.shape[2:])
    return stack([view for image in images for view in image])


@contextmanager
def _naming(images: LabelledImages, indices: np.ndarray) -> Iterator[None]:
    """Gives an error about an image of a batch that image's name."""
    try:
        yield
    except ImageError as error:
        if error.index is None:
            raise
        name = images.sample_id(int(indices[error.index]))
        raise ImageError(error.reason, name=name) from error


def _part_size(images: LabelledImages) -> int:
    """Returns how many images are read at once: large ones are resized before the next is read."""
    height, width, channels = images.image_shape
    if height is None or width is None:
        return 1
    return max(1, BYTES_AT_ONCE // (height * width * channels))
