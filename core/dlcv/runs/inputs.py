"""What a user wants predicted: paths, folders, or images in memory."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from dlcv import images
from dlcv.data.subset import ArrayImages
from dlcv.errors import DlcvError, ImageError
from dlcv.interfaces import LabelledImages


def open_inputs(inputs: Any, channels: int) -> LabelledImages:
    """Returns images ready to be read, without labels.

    Args:
        inputs: Paths of images, or a folder's with all images below it; or images, as
            `(N, H, W, C)` uint8 or a sequence of `(H, W, C)` uint8, RGB or grey.
        channels: How many channels the images must have; files are read so.

    Raises:
        DlcvError: there are none, or they are not of that form.
    """
    if isinstance(inputs, str | os.PathLike):
        inputs = [inputs]
    if not len(inputs):
        raise DlcvError("there are no images to predict")
    if isinstance(inputs[0], str | os.PathLike):
        paths = list(expand_paths(inputs))
        mode: images.ColorMode = "rgb" if channels == 3 else "grayscale"
        return images.ImageFiles(paths, np.zeros(len(paths), np.int64), [""], color_mode=mode)
    arrays = [_checked(image, channels, i) for i, image in enumerate(inputs)]
    return ArrayImages(arrays, [f"image {i}" for i in range(len(arrays))])


def expand_paths(paths: Iterable[str | os.PathLike[str]]) -> Iterable[str]:
    """Yields files as they are, and for a folder all images below it, sorted.

    Raises:
        DlcvError: there is no such file or folder, or a folder without images.
    """
    for path in map(Path, paths):
        if not path.is_dir():
            if not path.exists():
                raise DlcvError(f"no such file or folder: {path}")
            yield str(path)
            continue
        below = sorted(p for p in path.rglob("*") if images.is_image_file(p))
        if not below:
            raise DlcvError(f"{path} holds no images")
        yield from map(str, below)


def _checked(image: Any, channels: int, index: int) -> np.ndarray:
    """Returns an image as `(H, W, C)` uint8 with the right channels, or refuses it."""
    array = np.asarray(image)
    if array.dtype != np.uint8:
        raise ImageError(f"expected uint8 pixels, received {array.dtype}", name=f"image {index}")
    array = array[..., np.newaxis] if array.ndim == 2 else array
    if array.ndim != 3 or array.shape[2] != channels:
        raise ImageError(
            f"expected (height, width, {channels}), received {array.shape}", name=f"image {index}"
        )
    return array
