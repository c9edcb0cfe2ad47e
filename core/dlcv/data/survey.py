"""A look at every image before training: does it decode, and do the sizes agree?

A damaged test image would otherwise end a run after the last epoch.
"""

import attrs
import numpy as np

from dlcv.data.readahead import chunks, read_ahead
from dlcv.data.subset import Subset
from dlcv.errors import ImageError
from dlcv.interfaces import LabelledImages
from dlcv.progress import track

CHUNK = 16


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
    """Reads every image, unless the store knows already that all have the same shape.

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
    with track("checking the images", len(images), unit="images") as progress:
        for results in read_ahead(look, chunks(len(images), CHUNK), threads):
            found += results
            progress(len(results))
    bad = [str(shape) for shape in found if isinstance(shape, ImageError)]
    good = [i for i, shape in enumerate(found) if not isinstance(shape, ImageError)]
    shapes = {found[i] for i in good}
    height, width, channels = images.image_shape
    if len(shapes) == 1:
        height, width, channels = shapes.pop()  # type: ignore[misc]
    return Survey(Subset(images, np.array(good, np.int64), (height, width, channels)), bad)


def with_cure(error: ImageError) -> ImageError:
    """Returns an error about an image of a data set that says what to do about it."""
    return ImageError(f"{error}; remove the file, or leave such images out with --bad-images skip")


def _shape(images: LabelledImages, index: int, skip: bool) -> tuple[int, ...] | ImageError:
    try:
        return tuple(images.read([index])[0].shape)
    except ImageError as error:
        if not skip:
            raise with_cure(error) from None
        return error
