"""Fitting pipelines to images and to the network's input, before training and after."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs
import numpy as np

from dlcv import registry
from dlcv.config import AUTO
from dlcv.data.loader import chunks, read_ahead
from dlcv.data.pipeline import (
    Pipeline,
    output_size,
    process_batch,
    resizes,
    resizing,
    resizing_step,
)
from dlcv.errors import DlcvError
from dlcv.interfaces import (
    LabelledImages,
    PreparationContext,
    Preprocessor,
    Shape,
    Size,
    is_value_step,
)
from dlcv.progress import track
from dlcv.registry.spec import Spec, SpecList

logger = logging.getLogger(__name__)
BATCH = 64
"""Images that a step learns from at once."""
FEWEST_PIXELS = 8
"""Images that are made smaller than this on a side are probably a mistake."""


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
    _warn_of_tiny_images(image_shape, input_size)
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


def chosen_pixel_steps(
    trained: Pipeline, preprocessors: str | Iterable[str | Spec | Preprocessor]
) -> list[Preprocessor]:
    """Returns the pixel steps that a user names for a trained network.

    Args:
        trained: The run's pipeline.
        preprocessors: The steps, as text or made. Value steps may be named if the run has them, or
            as `auto`; they and their statistics are the run's.

    Raises:
        DlcvError: what is given names no steps, one does not exist, or a value step is not the
            run's.
    """
    steps: list[Preprocessor] = []
    for spec in _specs(preprocessors):
        if spec == Spec(AUTO):
            continue
        step = registry.create("preprocessor", spec)
        if is_value_step(step):
            _refuse_other_values(trained, step, spec.options if isinstance(spec, Spec) else None)
        else:
            steps.append(step)
    return steps


def with_pixel_steps(
    trained: Pipeline, steps: Sequence[Preprocessor], image_shape: Shape, input_size: Size
) -> Pipeline:
    """Returns a run's pipeline with other pixel steps.

    Where none of them resizes, the run's own resizing goes before if it leaves something to cut
    from, else the default step that resizes, so that things are about as large as the network has
    seen them.

    Args:
        trained: The run's pipeline.
        steps: The pixel steps; open sizes are filled in.
        image_shape: `(H, W, C)` of the images, None where sizes differ.
        input_size: `(height, width)` of the network's input.

    Raises:
        DlcvError: the steps end with another size than the network takes.
    """
    height, width, _ = Pipeline.of(steps).with_sizes(input_size).output_shape((None, None, 3))
    if (height, width) not in ((None, None), input_size):
        raise DlcvError(
            f"the preprocessors end with {height} x {width} pixels, but the network takes "
            f"{input_size[0]} x {input_size[1]}; leave the size of the last one out"
        )
    steps = [*_resizing_before(trained, steps, input_size), *steps]
    pipeline, _ = fit_to_input(steps, image_shape, input_size=input_size, default_size=input_size)
    # A step that learned something in training still knows it.
    known = {step: step for step in trained.pixel_steps}
    sized = pipeline.with_sizes(input_size).pixel_steps
    return attrs.evolve(trained, pixel_steps=tuple(known.get(step, step) for step in sized))


def _refuse_twice(pipeline: Pipeline) -> None:
    kinds = [type(step) for step in pipeline.value_steps]
    for step in pipeline.value_steps:
        if kinds.count(type(step)) > 1:
            name = registry.spec_of(step).name
            raise DlcvError(f"{name} is listed twice among the preprocessors; remove one")


def _needs_resize(
    sized: Pipeline, image_shape: Shape, input_size: Size | None, usual: Size | None
) -> bool:
    """Returns whether the steps alone do not bring every image to the input's size.

    Images of one size that is over twice the `usual` one, or a patch's, have to be resized, too.
    """
    height, width, _ = image_shape
    if _takes_any_size(sized):
        return False
    if height is None or width is None:
        return True
    cut = next(filter(None, map(output_size, sized.pixel_steps)), None)
    if cut is None and input_size is not None:
        return sized.output_shape(image_shape)[:2] != input_size
    rows, columns = cut or usual or (height, width)
    return usual is not None and (height > 2 * rows or width > 2 * columns)


def _takes_any_size(pipeline: Pipeline) -> bool:
    """Returns whether the first step that gives all images one size takes images of any size."""
    first = next(filter(output_size, pipeline.pixel_steps), None)
    return first is not None and resizes(first)


def _warn_of_tiny_images(image_shape: Shape, input_size: Size | None) -> None:
    if input_size and min(input_size) < FEWEST_PIXELS and image_shape[:2] != input_size:
        logger.warning(
            "the network sees images of %d x %d pixels, on which little can be told apart; is "
            "input_size meant?",
            *input_size,
        )


def _warn_of_equal_views(sized: Pipeline, shape: Shape) -> None:
    for step in sized.pixel_steps:
        size = output_size(step)
        if step.views > 1 and size and size == shape[:2] != step.source_size(size):
            logger.warning(
                "the images have just the size that %s gives, so each view shows all of an image; "
                "put %s before it",
                registry.spec_of(step).name,
                resizing(step.source_size(size)),
            )
        shape = step.output_shape(shape)


def _batches(images: LabelledImages, pipeline: Pipeline, threads: int) -> Iterator[np.ndarray]:
    """Yields the images after the deterministic form of the steps, in batches."""

    def process(indices: range) -> np.ndarray:
        pixels = process_batch(images, np.array(indices), pipeline, None)
        return pipeline.values(pixels) if pipeline.value_steps else pixels

    with track("looking at the training images", len(images), unit="images") as progress:
        for batch in read_ahead(process, chunks(len(images), BATCH), threads):
            yield batch
            progress(len(batch) // pipeline.views)


def _specs(preprocessors: Any) -> list[Spec | Preprocessor]:
    if isinstance(preprocessors, str):
        return [*SpecList.parse(preprocessors)]
    given = list(preprocessors) if isinstance(preprocessors, Iterable) else [None]
    if not all(isinstance(item, str | Spec | Preprocessor) for item in given):
        raise DlcvError(
            f"expected {SpecList.option_type_name}, or a list of preprocessors, "
            f"received {preprocessors!r}"
        )
    return [item if isinstance(item, Preprocessor) else Spec.from_option(item) for item in given]


def _resizing_before(
    trained: Pipeline, steps: Sequence[Preprocessor], size: Size
) -> list[Preprocessor]:
    own = next((step for step in trained.pixel_steps if resizes(step)), None)
    if own is None:
        return []
    fitting, *others = Pipeline.of([resizing_step(), *steps]).with_sizes(size).pixel_steps
    if any(map(resizes, others)):
        return []
    wanted, given = output_size(fitting), output_size(own)
    assert wanted is not None
    assert given is not None
    leaves_room = given != size and given[0] >= size[0] and given[1] >= size[1]
    fits = leaves_room if wanted != size else given == size
    before = own if fits else fitting
    logger.info("nothing among the preprocessors resizes: added %s", registry.spec_of(before))
    return [before]


def _refuse_other_values(
    trained: Pipeline, step: Preprocessor, options: Iterable[str] | None
) -> None:
    """Raises a `DlcvError` unless the run has a value step with these options; None for all."""
    name = registry.spec_of(step).name
    own = next((s for s in trained.value_steps if type(s) is type(step)), None)
    if own is None:
        has = ", ".join(registry.spec_of(s).name for s in trained.value_steps) or "none"
        raise DlcvError(
            f"the run has no {name}: steps of values are part of its network and stay as they "
            f"were in training (here: {has}); leave {name} out"
        )
    names = step.options() if options is None else options
    if any(getattr(step, option) != getattr(own, option) for option in names):
        raise DlcvError(
            f"the run has {registry.spec_of(own)}, which is part of its network; "
            f"write {name} alone, or leave it out"
        )
