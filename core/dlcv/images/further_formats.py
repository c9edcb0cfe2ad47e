"""Formats that packages read, which they offer under the entry-point group `dlcv.image_formats`."""

import functools
from typing import Any

from dlcv.packages import load_object, named_objects


@functools.cache
def further_formats() -> tuple[Any, ...]:
    """Returns the modules that read them, imported when the first image is decoded.

    Each has `size_of(content)`, which is like that of `dlcv.images.header`, and
    `decode(content, channels=, bit_depth=)`; both return None for other formats.
    """
    return tuple(map(load_object, named_objects("dlcv.image_formats").values()))
