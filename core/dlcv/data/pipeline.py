"""The pipeline of preprocessors: pixel steps in the loader, value steps in the network."""

import logging
from collections.abc import Iterator

import attrs
import numpy as np

from dlcv import registry
from dlcv.data.readahead import chunks, read_ahead
from dlcv.errors import DlcvError, ImageError
from dlcv.interfaces import (
    Images,
    LabelledImages,
    PreparationContext,
    Preprocessor,
    Shape,
    Size,
    is_value_step,
)
from dlcv.progress import track

logger = logging.getLogger(__name__)
BATCH = 64


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
    def of(cls, steps: list[Preprocessor]) -> "Pipeline":
        """Sorts steps into the two parts; within a part the order stays."""
        return cls(
            tuple(s for s in steps if not is_value_step(s)),
            tuple(s for s in steps if is_value_step(s)),
        )

    @property
    def steps(self) -> tuple[Preprocessor, ...]:
        """All steps in the order in which they run, the canonical order."""
        return self.pixel_steps + self.value_steps

    def output_shape(self, shape: Shape) -> Shape:
        """Returns an image's shape after the pixel steps."""
        for step in self.pixel_steps:
            shape = step.output_shape(shape)
        return shape

    def pixels(self, images: Images, rng: np.random.Generator | None = None) -> np.ndarray:
        """Runs the pixel steps on a batch.

        Returns:
            `(N, H, W, C)` uint8.

        Raises:
            ImageError: an image can't be processed; `index` tells which.
            DlcvError: the images do not end up with the same size.
        """
        for step in self.pixel_steps:
            images = step(images, rng)
        if not isinstance(images, np.ndarray):
            raise DlcvError("the images differ in size after the last step; add aspect_aware")
        return images

    def values(self, images: np.ndarray) -> np.ndarray:
        """Runs the value steps outside the network; `(N, H, W, C)` uint8 to float32."""
        result: Images = images
        for step in self.value_steps:
            result = step(result)
        return np.asarray(result, np.float32)


def prepare(
    steps: list[Preprocessor],
    images: LabelledImages,
    *,
    input_size: Size | None,
    default_size: Size,
    threads: int,
) -> Pipeline:
    """Returns the pipeline with sizes and statistics filled in, from the training images.

    The input's size is `input_size`, else what the pixel steps make of the images, where open
    sizes are `default_size`. Where sizes differ and nothing resizes, `aspect_aware` is put first;
    `patch` does not count as resizing, since in training it cuts a part out.

    Raises:
        DlcvError: the pixel steps end with another size than `input_size`, or a value step is
            there twice.
    """
    pipeline = Pipeline.of(steps)
    kinds = [type(step) for step in pipeline.value_steps]
    if twice := [kind for kind in kinds if kinds.count(kind) > 1]:
        name = registry.registry.spec_of(pipeline.value_steps[kinds.index(twice[0])]).name
        raise DlcvError(f"{name} is there twice among the preprocessors; once is enough")
    size = input_size or default_size
    sized = _with_sizes(pipeline, size)
    shape = sized.output_shape(images.image_shape)
    if None in images.image_shape:
        needs_resize = not _resizes(sized)
    else:
        fixed = any(map(_output_size, sized.pixel_steps))
        needs_resize = input_size is not None and shape[:2] != input_size and not fixed
    if needs_resize:
        resize = registry.create("preprocessor", "aspect_aware")
        pipeline = Pipeline((resize, *pipeline.pixel_steps), pipeline.value_steps)
        sized = _with_sizes(pipeline, size)
        shape = sized.output_shape(images.image_shape)
        logger.info(
            "the images differ in size from the network's input and nothing resizes them: added %s",
            registry.registry.spec_of(sized.pixel_steps[0]),
        )
    height, width, _ = shape
    if input_size and (height, width) != input_size:
        raise DlcvError(
            f"the preprocessors end with {height} x {width} pixels, but input_size is "
            f"{input_size[0]} x {input_size[1]}; leave one of the two out"
        )
    if height is None or width is None:
        raise DlcvError("the preprocessors leave images of different sizes; add aspect_aware")
    return _learned(sized, images, (height, width), threads)


def _with_sizes(pipeline: Pipeline, size: Size) -> Pipeline:
    """Fills in open sizes from the last step to the first, since each wants room for the next."""
    sized: list[Preprocessor] = []
    for step in reversed(pipeline.pixel_steps):
        sized.insert(0, step.with_output_size(size))
        size = step.source_size(_output_size(sized[0]) or size)
    return attrs.evolve(pipeline, pixel_steps=tuple(sized))


def _output_size(step: Preprocessor) -> Size | None:
    """Returns the size that a step gives to all images, whatever they had before."""
    height, width, _ = step.output_shape((None, None, 3))
    return None if height is None or width is None else (height, width)


def _resizes(pipeline: Pipeline) -> bool:
    """Returns whether images of any size can come: `patch`, for one, needs larger ones."""
    for step in pipeline.pixel_steps:
        if size := _output_size(step):
            return step.source_size(size) == size
    return False


def _learned(pipeline: Pipeline, images: LabelledImages, size: Size, threads: int) -> Pipeline:
    """Lets each step learn from the training images as they reach it."""
    prepared: list[Preprocessor] = []
    for step in pipeline.steps:
        before = Pipeline.of(prepared)

        def batches(before: Pipeline = before) -> Iterator[np.ndarray]:
            return _batches(images, before, threads)

        prepared.append(step.prepare(PreparationContext(size, batches)))
    return Pipeline.of(prepared)


def _batches(images: LabelledImages, pipeline: Pipeline, threads: int) -> Iterator[np.ndarray]:
    """Yields the images after the deterministic form of the steps, in batches."""

    def process(indices: range) -> np.ndarray:
        pixels = process_batch(images, np.array(indices), pipeline, None)
        return pipeline.values(pixels) if pipeline.value_steps else pixels

    with track("looking at the training images", len(images), unit="images") as progress:
        for batch in read_ahead(process, chunks(len(images), BATCH), threads):
            yield batch
            progress(len(batch))


def process_batch(
    images: LabelledImages,
    indices: np.ndarray,
    pipeline: Pipeline,
    rng: np.random.Generator | None,
) -> np.ndarray:
    """Reads images and runs the pixel steps on them.

    Returns:
        `(N, H, W, C)` uint8.

    Raises:
        ImageError: an image can't be read or processed; the message names it.
    """
    try:
        return pipeline.pixels(images.read(indices), rng)
    except ImageError as error:
        name = "" if error.index is None else images.sample_id(int(indices[error.index]))
        raise ImageError(error.reason, name=name) if name else error from None
