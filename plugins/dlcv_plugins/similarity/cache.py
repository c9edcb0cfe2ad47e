"""What took long to find out about images, kept in the user's cache folder between runs."""

import contextlib
import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dlcv import files
from dlcv.errors import DlcvError

VARIABLE = "DLCV_CACHE"
"""The environment variable by which a user chooses another folder than `~/.cache/dlcv`."""
WORTH_KEEPING_SECONDS = 1.0
MOST_KEPT = 100
"""Files that are kept, those that were written last; each has some bytes an image."""


def cached(key: str, find: Callable[[], np.ndarray]) -> np.ndarray:
    """Returns what was found before under a key, or finds it, and keeps what took long.

    Where the folder can't be written, nothing is kept.

    Args:
        key: All that the result depends on.
        find: Finds it: an array whose first axis is that of the images.
    """
    path = _folder() / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"
    with contextlib.suppress(DlcvError, KeyError):
        if path.exists():
            return files.load_arrays(path)["found"]
    start = time.monotonic()
    found = find()
    if time.monotonic() - start > WORTH_KEEPING_SECONDS:
        with contextlib.suppress(DlcvError, OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            files.save_arrays(path, {"found": found})
            kept = sorted(path.parent.glob("*.npz"), key=lambda file: file.stat().st_mtime)
            for old in kept[:-MOST_KEPT]:
                old.unlink(missing_ok=True)
    return found


def _folder() -> Path:
    own = os.environ.get(VARIABLE)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return (Path(own) if own else Path(base) / "dlcv") / "duplicates"
