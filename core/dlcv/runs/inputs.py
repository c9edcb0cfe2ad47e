"""What a user wants predicted: paths, folders, videos, or images in memory."""

import glob
import itertools
import logging
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
from PIL import Image, ImageOps

from dlcv import images
from dlcv.data.sources import find_store
from dlcv.data.subset import ArrayImages
from dlcv.errors import DlcvError, ImageError
from dlcv.images import ALL_BITS
from dlcv.interfaces import SPLITS, UNSPLIT, LabelledImages
from dlcv.registry import registry

logger = logging.getLogger(__name__)
One: TypeAlias = str | os.PathLike[str] | bytes | IO[bytes] | Image.Image | np.ndarray
Inputs: TypeAlias = One | Iterable[One]
"""Paths or images, as `Predictor.predict_proba` takes them."""


def open_parts(
    inputs: Inputs, channels: int, *, skip: bool = False, bit_depth: images.BitDepth = ALL_BITS
) -> Iterator[LabelledImages]:
    """Yields images ready to be read, in parts that fit into memory.

    Files that packages read images from, such as videos, come piece by piece.

    Args:
        inputs: What `open_inputs` takes, and paths of such files; paths and images may be mixed.
        channels: How many channels the images must have; files are read so.
        skip: Whether what can't be read of such a file is left out with a warning.
        bit_depth: What `open_inputs` takes.

    Raises:
        DlcvError: there are none, or they are not of that form.
        ImageError: such a file can't be read to its end, and `skip` is off.
    """
    items = list(_expanded(_listed(inputs, channels)))
    if not items:
        raise DlcvError("there are no images to predict")
    for kind, group in itertools.groupby(items, _kind):
        if kind != "frames":
            yield open_inputs(list(group), channels, bit_depth)
            continue
        for path in group:
            try:
                yield from _frames(path, channels) or ()
            except ImageError as error:
                if not skip:
                    raise
                logger.warning("left out: %s", error)


def open_inputs(
    inputs: Inputs, channels: int, bit_depth: images.BitDepth = ALL_BITS
) -> LabelledImages:
    """Returns images ready to be read, without labels.

    Args:
        inputs: Paths of images, or a folder's with all images below it; or images: a file's bytes,
            a file opened in binary mode, Pillow's, or uint8 pixels, RGB or grey: a sequence of
            `(H, W, C)` or `(H, W)`, or an array. An array of three axes is one image if its last
            axis has the right channels, else `(N, H, W)` grey images; one of two axes is one grey
            image. One of these alone is taken like a list of it.
        channels: How many channels the images must have; files are read so.
        bit_depth: How samples of 16 bits become bytes, as in training.

    Raises:
        DlcvError: there are none, or they are not of that form.
    """
    items = _listed(inputs, channels)
    are_paths = {_is_path(item) for item in items}
    if not items:
        raise DlcvError("there are no images to predict")
    if len(are_paths) > 1:
        raise DlcvError("there are paths and images in one list; take one after the other")
    mode: images.ColorMode = "rgb" if channels == 3 else "grayscale"
    if are_paths == {True}:
        paths = list(expand_paths(items))
        none = np.zeros(len(paths), np.int64)
        return images.ImageFiles(paths, none, [""], color_mode=mode, bit_depth=bit_depth)
    decoded = (_decoded(image, mode, bit_depth, i) for i, image in enumerate(items))
    arrays = [_checked(image, channels, i) for i, image in enumerate(decoded)]
    return ArrayImages(arrays, [f"image {i}" for i in range(len(arrays))])


def open_labelled(
    data: str, split: str | None, channels: int, bit_depth: images.BitDepth = ALL_BITS
) -> LabelledImages:
    """Returns the labelled images of a data set.

    Args:
        data: A data set, as `--data` takes it.
        split: The split; by default `test`, else `val`, else all there is.
        channels: How many channels the images must have.
        bit_depth: How samples of 16 bits in files become bytes, as in training.

    Raises:
        DlcvError: there is no such data or split, or its images have other channels.
    """
    store = find_store(data)
    names = store.splits()
    wanted = [split] if split else [n for n in (*reversed(SPLITS), UNSPLIT) if n in names]
    if wanted[0] not in names:
        raise DlcvError(
            f'{data} has no split "{split}" of labelled images; it has {", ".join(names)}'
        )
    opened = store.open(wanted[0])
    if opened.image_shape[2] != channels:
        raise DlcvError(
            f"the run was trained on images of {channels} channels, and these have "
            f"{opened.image_shape[2]}; the store's color_mode may change that"
        )
    if isinstance(opened, images.ImageFiles) and opened.bit_depth != bit_depth:
        logger.info("images are read with bit_depth=%s, as in training", bit_depth)
        opened.bit_depth = bit_depth
    return opened


def expand_paths(paths: Iterable[str | os.PathLike[str]]) -> Iterator[str]:
    """Yields files as they are, all images below a folder, and what matches a pattern, sorted.

    What several folders or patterns hold, as `photos/**` does, comes once; a file that is named
    twice by itself comes twice.

    Raises:
        DlcvError: there is no such file or folder, a folder has no images, or nothing matches.
    """
    seen: set[str] = set()
    found_by_search: set[str] = set()
    repeated = 0
    for path in map(Path, paths):
        is_named = path.exists() and not path.is_dir()
        for file in [str(path)] if is_named else _found(path):
            place = os.path.abspath(file)
            if place in (found_by_search if is_named else seen):
                repeated += 1
                continue
            seen.add(place)
            if not is_named:
                found_by_search.add(place)
            yield file
    if repeated:
        logger.info("files found by several of the paths are used once: %d", repeated)


def _found(path: Path) -> Iterator[str]:
    """Yields the files below a folder, or those that match a pattern."""
    if path.is_dir():
        yield from _images_below(path)
        return
    matching = sorted(glob.glob(str(path), recursive=True))
    if not matching and re.match("https?:/", str(path)):
        address = str(path).replace(":/", "://", 1)
        raise DlcvError(
            f"{address} is an address, and images are read from disk; download it first"
        )
    if not matching:
        what = "file matches" if glob.has_magic(str(path)) else "such file or folder:"
        raise DlcvError(f"no {what} {path}")
    for match in map(Path, matching):
        yield from _images_below(match) if match.is_dir() else [str(match)]


def _images_below(folder: Path) -> list[str]:
    files = list(images.walk_files(folder))
    images.warn_of_unread(files, folder)
    if videos := sum(_frames(file) is not None for file in files):
        logger.warning("%s: %d of its files are videos; name those themselves", folder, videos)
    below = sorted(filter(images.is_image_file, files))
    if not below:
        raise DlcvError(f"{folder} holds no images")
    return below


def _listed(inputs: Inputs, channels: int) -> list[Any]:
    """Returns inputs one by one, if there is only one as well."""
    if _is_path(inputs) or isinstance(inputs, bytes | Image.Image) or hasattr(inputs, "read"):
        return [inputs]
    if isinstance(inputs, np.ndarray):
        is_image = inputs.ndim == 3 and inputs.shape[2] == channels
        if channels == 1 and inputs.ndim == 3 and inputs.shape[2] in (3, 4):
            raise DlcvError(
                f"expected images of 1 channel, received an array of shape {inputs.shape}, which "
                "may be one color image; convert it to grayscale, or pass a list of images"
            )
        return [inputs] if is_image or inputs.ndim in (0, 2) else list(inputs)
    if not isinstance(inputs, Iterable):
        raise DlcvError(f"expected paths or images, received {type(inputs).__name__}")
    return list(inputs)


def _is_path(item: Any) -> bool:
    return isinstance(item, str | os.PathLike)


def _expanded(items: list[Any]) -> Iterator[Any]:
    for are_paths, group in itertools.groupby(items, _is_path):
        if are_paths:
            yield from expand_paths(group)
        else:
            yield from group


def _kind(item: Any) -> str:
    if not _is_path(item):
        return "image"
    return "path" if _frames(item) is None else "frames"


def _frames(path: str | os.PathLike[str], channels: int = 3) -> Iterator[LabelledImages] | None:
    """Returns the images in a file that a package reads them from; None for other files."""
    if images.is_image_file(path):
        return None
    found: Iterator[LabelledImages] | None = registry.hooks().dlcv_frames(
        path=Path(path), channels=channels
    )
    return found


def _decoded(image: Any, mode: images.ColorMode, bit_depth: images.BitDepth, index: int) -> Any:
    if isinstance(image, Image.Image):
        return images.pixels_of(
            ImageOps.exif_transpose(image), 3 if mode == "rgb" else 1, bit_depth
        )
    if hasattr(image, "read"):
        image = image.read()
        if isinstance(image, str):
            raise ImageError(
                "is a file opened as text; open it with mode rb", name=f"image {index}"
            )
    if not isinstance(image, bytes):
        return image
    try:
        return images.decode(image, mode, bit_depth)
    except ImageError as error:
        raise ImageError(error.reason, name=f"image {index}") from None


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
    if not array.size:
        raise ImageError(f"has no pixels, its shape is {array.shape}", name=f"image {index}")
    return array
