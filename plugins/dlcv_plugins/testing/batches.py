"""Images for the checks of preprocessors, of sizes that the step at hand can work on."""

from typing import TYPE_CHECKING

from dlcv.interfaces import PreparationContext, Preprocessor, is_value_step

if TYPE_CHECKING:
    import numpy as np

COUNT = 5
OPEN_SIZE = (24, 20)
"""`(height, width)` for plugins that leave their size open; no square, so that a mix-up shows."""


def prepared(step: Preprocessor) -> Preprocessor:
    """Returns a step that is ready for use: open sizes filled in, statistics learned."""
    sized = step.with_output_size(OPEN_SIZE)
    images = sample_images(sized)
    return sized.prepare(PreparationContext(_input_size(sized), lambda: iter([images[:3], images])))


def sample_images(step: Preprocessor) -> "np.ndarray":
    """Returns images of a size that a step can work on, `(N, H, W, 3)`.

    A value step gets the network's input size, a pixel step something larger than it needs.
    """
    import numpy as np

    height, width = _input_size(step)
    if not is_value_step(step):
        height, width = step.source_size((height, width))
        height, width = height + 6, width + 10
    return np.random.default_rng(0).integers(0, 256, (COUNT, height, width, 3), np.uint8)


def sample_list(step: Preprocessor) -> "list[np.ndarray]":
    """Returns images of different sizes, none smaller than those of `sample_images`."""
    import numpy as np

    enlarged = ((0, 0), (3, 0), (0, 5), (8, 2), (1, 9))
    return [
        np.pad(image, ((0, down), (0, right), (0, 0)), mode="edge")
        for image, (down, right) in zip(sample_images(step), enlarged, strict=True)
    ]


def fresh_rng() -> "np.random.Generator":
    """Returns a source of randomness, the same each time."""
    import numpy as np

    return np.random.default_rng(1)


def _input_size(step: Preprocessor) -> tuple[int, int]:
    height, width, _ = step.output_shape((None, None, 3))
    return (height or OPEN_SIZE[0], width or OPEN_SIZE[1])
