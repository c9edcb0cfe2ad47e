"""What took long to find out about images, kept in the user's cache folder between runs."""

from collections.abc import Callable

import numpy as np

from dlcv_plugins import user_cache

MOST_KEPT = 100
"""Files that are kept, those that were written last; each has some bytes an image."""


def cached(key: str, find: Callable[[], np.ndarray]) -> np.ndarray:
    """Returns what was found before under a key, or finds it, and keeps what took long.

    Args:
        key: All that the result depends on.
        find: Finds it: an array whose first axis is that of the images.
    """
    return user_cache.kept("duplicates", key, lambda: {"found": find()}, most=MOST_KEPT)["found"]
