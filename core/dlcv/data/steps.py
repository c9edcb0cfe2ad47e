"""Running pixel steps on a batch, and steps that give several views of each image."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from dlcv import registry
from dlcv.errors import DlcvError, ImageError
from dlcv.interfaces import Images, Preprocessor, stack


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
        with counting_images(views), registry.naming_owner(step, "processing images"):
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
                f"use patch in training, and `dlcv evaluate RUN --preproc {name}` afterwards"
            )


@contextmanager
def counting_images(views: int) -> Iterator[None]:
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
