"""Images in batches as a trained network takes them."""

import functools
import logging

import attrs

from dlcv import registry
from dlcv.data.fitting import chosen_pixel_steps, with_pixel_steps
from dlcv.data.loader import Loader
from dlcv.data.pipeline import Pipeline, resizing_step
from dlcv.interfaces import LabelledImages, Preprocessor, Size
from dlcv.registry.defaults import default_or_none
from dlcv.runs.predictor import PixelSteps

logger = logging.getLogger(__name__)
BATCH = 64
"""Images, or views of them, that go through a network at once."""


def inference_loader(
    images: LabelledImages,
    trained: Pipeline,
    input_shape: tuple[int, int, int],
    threads: int,
    preprocessors: PixelSteps = None,
) -> Loader:
    """Returns images in batches as a trained network takes them.

    Images of other sizes than the network's input are fitted to it, where the pipeline that it was
    trained with left all images as they were.

    Args:
        images: Images as they are stored.
        trained: The preprocessors of the training.
        input_shape: `(H, W, C)` of the network's input.
        threads: How many threads read images.
        preprocessors: Pixel steps instead of those of the training; None for those.

    Raises:
        DlcvError: the preprocessors do not fit the network.
    """
    size, pipeline = input_shape[:2], trained
    if preprocessors is not None:
        steps = chosen_pixel_steps(trained, preprocessors)
        pipeline = with_pixel_steps(trained, steps, images.image_shape, size)
    elif images.image_shape[:2] != size and _can_fit(trained, input_shape):
        log_fitting(size)
        fit = fitting(size)
        pipeline = attrs.evolve(trained, pixel_steps=(fit, *trained.pixel_steps))
    at_once = max(1, BATCH // pipeline.views)
    return Loader(images, pipeline, batch_size=at_once, threads=threads)


def _can_fit(trained: Pipeline, input_shape: tuple[int, int, int]) -> bool:
    """Returns whether images have to be fitted, and an installed package chooses how."""
    return not resizes(trained, input_shape) and default_or_none("resize") is not None


def resizes(pipeline: Pipeline, input_shape: tuple[int, int, int]) -> bool:
    """Returns whether a pipeline brings images of any size to one."""
    return None not in pipeline.output_shape((None, None, input_shape[2]))


@functools.cache
def log_fitting(size: Size) -> None:
    """Logs, once a process, that images are fitted to `(height, width)`."""
    name = registry.spec_of(resizing_step()).name
    logger.info("images of other sizes than %d x %d are fitted by %s", *size, name)


def fitting(size: Size) -> Preprocessor:
    """Returns what brings images of any size to `(height, width)`."""
    return resizing_step().with_output_size(size)
