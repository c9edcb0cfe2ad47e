"""Whether image files are as they were, by length and time, and what was found out about them."""

import hashlib
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from dlcv import hook, images
from dlcv.api import Subset
from dlcv.interfaces import LabelledImages
from dlcv_plugins import user_cache
from dlcv_plugins.stores.encoded import EncodedImages

if TYPE_CHECKING:
    import numpy as np

MOST_KEPT = 100
"""Sets of images of which the shapes are kept."""


@hook
def dlcv_shapes(
    images: LabelledImages, find: "Callable[[], np.ndarray | None]"
) -> "np.ndarray | None":
    """Returns the shapes that files had when all of them were decoded, if none changed since."""
    if not is_of_files(images):
        return None
    key = f"{state_of(images)} {images.image_shape[2]} {images.bit_depth}"
    try:
        return user_cache.kept("shapes", key, lambda: _found(find), most=MOST_KEPT)["shapes"]
    except _UnreadableError:
        return None


def is_of_files(source: LabelledImages) -> bool:
    """Returns whether images are files, alone or within larger ones, or chosen from such."""
    if isinstance(source, Subset):
        return is_of_files(source.source)
    return isinstance(source, images.ImageFiles)


def state_of(source: LabelledImages) -> str:
    """Returns a text that changes when images do, without reading files: by length and time."""
    if isinstance(source, Subset):
        taken = hashlib.sha256(source.indices.astype("<i8").tobytes()).hexdigest()
        return f"{taken} of {state_of(source.source)}"
    if isinstance(source, EncodedImages) or not isinstance(source, images.ImageFiles):
        return source.fingerprint()
    digest = hashlib.sha256(source.labels.astype("<i8").tobytes())
    for path in map(source.sample_id, range(len(source))):
        try:
            status = os.stat(path)
            state = f"{os.path.abspath(path)}\0{status.st_size} {status.st_mtime_ns}\n"
        except OSError:
            state = f"{path}\0unreadable\n"
        digest.update(state.encode(errors="surrogateescape"))
    return digest.hexdigest()


class _UnreadableError(Exception):
    """An image can't be read, so that nothing is kept."""


def _found(find: "Callable[[], np.ndarray | None]") -> "dict[str, np.ndarray]":
    shapes = find()
    if shapes is None:
        raise _UnreadableError
    return {"shapes": shapes}
