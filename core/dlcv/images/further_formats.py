"""Formats that packages read, which they offer under the entry-point group `dlcv.image_formats`."""

import functools
from typing import Any

from dlcv.packages import load_object, named_objects


@functools.cache
def further_formats() -> tuple[Any, ...]:
    """Returns the modules that read them, imported when the first image is decoded.

    Each has `size_of(content)` and `decode(content, channels=, bit_depth=)`, which are like those
    of `dlcv.images.tiff` and `dlcv.images.header`, and return None for other formats.
    """
    return tuple(map(load_object, named_objects("dlcv.image_formats").values()))
