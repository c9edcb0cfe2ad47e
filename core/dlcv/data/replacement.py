"""Other pixel steps for a network that is trained already, such as crops to average over."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any

import attrs

from dlcv import registry
from dlcv.config import AUTO
from dlcv.data.pipeline import Pipeline, fit_to_input, output_size, resizing_step
from dlcv.errors import DlcvError
from dlcv.interfaces import Preprocessor, Shape, Size, is_value_step
from dlcv.registry.spec import Spec, SpecList

logger = logging.getLogger(__name__)


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
    own = next((step for step in trained.pixel_steps if _resizes(step)), None)
    if own is None:
        return []
    fitting, *others = Pipeline.of([resizing_step(), *steps]).with_sizes(size).pixel_steps
    if any(map(_resizes, others)):
        return []
    wanted, given = output_size(fitting), output_size(own)
    assert wanted is not None
    assert given is not None
    leaves_room = given != size and given[0] >= size[0] and given[1] >= size[1]
    fits = leaves_room if wanted != size else given == size
    before = own if fits else fitting
    logger.info("nothing among the preprocessors resizes: added %s", registry.spec_of(before))
    return [before]


def _resizes(step: Preprocessor) -> bool:
    """Returns whether a step brings images of any size to its own."""
    size = output_size(step)
    return size is not None and step.source_size(size) == size


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
