"""The pipeline of preprocessors: pixel steps in the loader, value steps in the network."""

import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import attrs
import numpy as np

from dlcv import registry
from dlcv.data.readahead import chunks, read_ahead
from dlcv.data.steps import apply_steps, counting_images
from dlcv.errors import DlcvError, ImageError
from dlcv.interfaces import (
    Images,
    LabelledImages,
    PreparationContext,
    Preprocessor,
    Shape,
    Size,
    is_value_step,
    stack,
)
from dlcv.progress import track
from dlcv.registry.defaults import default, default_or_none

logger = logging.getLogger(__name__)
BATCH = 64
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


def fit_to_input(
    steps: Sequence[Preprocessor],
    image_shape: Shape,
    *,
    input_size: Size | None,
    default_size: Size,
    size_is_meant: bool = True,
) -> tuple[Pipeline, Size]:
    """Finds the size of the network's input, and a pipeline that brings every image to it.

    The size is `input_size`, else what the steps make of the images, where open sizes are
    `default_size`. Images that all have one size keep it where nothing resizes them. Where that
    does not bring all images to the size, a step that resizes is put first; one that cuts a part
    out does not count as resizing.

    Args:
        steps: The steps in any order.
        image_shape: `(H, W, C)` of the images, None where sizes differ.
        input_size: `(height, width)` of the network's input, if it was asked for.
        default_size: The size that the network takes where nothing else is said.
        size_is_meant: Whether the one size of all images was chosen for a network, as where they
            are packed. Photos may have it by chance: those over twice the size of the input, or
            of a patch, do not keep it.

    Returns:
        The pipeline, with open sizes still open, and `(height, width)`.

    Raises:
        DlcvError: the pixel steps end with another size than `input_size`, or a value step is
            there twice.
    """
    pipeline = Pipeline.of(steps)
    _refuse_twice(pipeline)
    size = input_size or default_size
    height, width, _ = pipeline.with_sizes(size).output_shape(image_shape)
    usual = None if size_is_meant else default_size
    if _needs_resize(pipeline.with_sizes(size), image_shape, input_size, usual):
        resize = resizing_step()
        pipeline = attrs.evolve(pipeline, pixel_steps=(resize, *pipeline.pixel_steps))
        sized = pipeline.with_sizes(size)
        height, width, _ = sized.output_shape(image_shape)
        logger.info(
            "the images differ in size from the network's input and nothing resizes them: added %s",
            registry.spec_of(sized.pixel_steps[0]),
        )
    if height is None or width is None:
        raise DlcvError(f"the preprocessors leave images of different sizes; add {resizing()}")
    if input_size and (height, width) != input_size:
        raise DlcvError(
            f"the preprocessors end with {height} x {width} pixels, but input_size is "
            f"{input_size[0]} x {input_size[1]}; leave one of the two out"
        )
    _warn_of_equal_views(pipeline.with_sizes((height, width)), image_shape)
    return pipeline, (height, width)


def learn(pipeline: Pipeline, images: LabelledImages, input_size: Size, threads: int) -> Pipeline:
    """Lets each step learn from the training images as they reach it."""
    learned: list[Preprocessor] = []
    for step in pipeline.steps:
        before = Pipeline.of(learned)

        def batches(before: Pipeline = before) -> Iterator[np.ndarray]:
            return _batches(images, before, threads)

        learned.append(step.prepare(PreparationContext(input_size, batches)))
    return Pipeline.of(learned)


def _refuse_twice(pipeline: Pipeline) -> None:
    kinds = [type(step) for step in pipeline.value_steps]
    for step in pipeline.value_steps:
        if kinds.count(type(step)) > 1:
            name = registry.spec_of(step).name
            raise DlcvError(f"{name} is there twice among the preprocessors; once is enough")


def _needs_resize(
    sized: Pipeline, image_shape: Shape, input_size: Size | None, usual: Size | None
) -> bool:
    """Returns whether the steps alone do not bring every image to the input's size.

    Images of one size that is over twice the `usual` one, or a patch's, have to be resized, too.
    """
    height, width, _ = image_shape
    if _resizes(sized):
        return False
    if height is None or width is None:
        return True
    cut = next(filter(None, map(output_size, sized.pixel_steps)), None)
    if cut is None and input_size is not None:
        return sized.output_shape(image_shape)[:2] != input_size
    rows, columns = cut or usual or (height, width)
    return usual is not None and (height > 2 * rows or width > 2 * columns)


def _warn_of_equal_views(sized: Pipeline, shape: Shape) -> None:
    for step in sized.pixel_steps:
        size = output_size(step)
        if step.views > 1 and size is not None and size == shape[:2]:
            logger.warning(
                "the images have just the size that %s gives, so each view shows all of an image; "
                "put %s before it",
                registry.spec_of(step).name,
                resizing(step.source_size(size)),
            )
        shape = step.output_shape(shape)


def resizing_step() -> Preprocessor:
    """Makes the step that brings images of any size to one, where a user named none.

    Raises:
        DlcvError: no installed package chooses one.
    """
    step: Preprocessor = registry.create("preprocessor", default("resize"))
    return step


def resizing(size: Size | None = None) -> str:
    """Returns what to add where nothing resizes, to `size` if it is known, for people."""
    name = default_or_none("resize")
    if name is None or size is None:
        return name or "a preprocessor that resizes"
    return str(registry.spec_of(resizing_step().with_output_size(size)))


def output_size(step: Preprocessor) -> Size | None:
    """Returns the size that a step gives to all images, whatever they had before."""
    height, width, _ = step.output_shape((None, None, 3))
    return None if height is None or width is None else (height, width)


def _resizes(pipeline: Pipeline) -> bool:
    """Returns whether images of any size can come: `patch`, for one, needs larger ones."""
    for step in pipeline.pixel_steps:
        if size := output_size(step):
            return step.source_size(size) == size
    return False


def _batches(images: LabelledImages, pipeline: Pipeline, threads: int) -> Iterator[np.ndarray]:
    """Yields the images after the deterministic form of the steps, in batches."""

    def process(indices: range) -> np.ndarray:
        pixels = process_batch(images, np.array(indices), pipeline, None)
        return pipeline.values(pixels) if pipeline.value_steps else pixels

    with track("looking at the training images", len(images), unit="images") as progress:
        for batch in read_ahead(process, chunks(len(images), BATCH), threads):
            yield batch
            progress(len(batch) // pipeline.views)


def process_batch(
    images: LabelledImages,
    indices: np.ndarray,
    pipeline: Pipeline,
    rng: np.random.Generator | None,
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
    with _naming(images, indices), counting_images(first.views):
        return second.pixels(together, rng)


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
