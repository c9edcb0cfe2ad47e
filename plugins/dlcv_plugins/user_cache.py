"""What took long to find out, kept in the user's cache folder between runs."""

import contextlib
import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dlcv import files
from dlcv.errors import DlcvError

if TYPE_CHECKING:
    import numpy as np

VARIABLE = "DLCV_CACHE"
"""The environment variable by which a user chooses another folder than `~/.cache/dlcv`."""
WORTH_KEEPING_SECONDS = 1.0


def folder() -> Path:
    """Returns the user's cache folder, which may not exist yet."""
    own = os.environ.get(VARIABLE)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(own) if own else Path(base) / "dlcv"


def kept(
    kind: str,
    key: str,
    find: "Callable[[], dict[str, np.ndarray]]",
    *,
    most: int,
) -> "dict[str, np.ndarray]":
    """Returns what was found before under a key, or finds it, and keeps what took long.

    Where the folder can't be written, nothing is kept.

    Args:
        kind: The folder in the cache for things of this kind.
        key: All that the result depends on.
        find: Finds it: arrays by name.
        most: Files of this kind that are kept, those that were written last.
    """
    digest = hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()
    path = folder() / kind / f"{digest[:32]}.npz"
    with contextlib.suppress(DlcvError, OSError):
        if path.exists():
            return files.load_arrays(path)
    start = time.monotonic()
    found = find()
    if time.monotonic() - start >= WORTH_KEEPING_SECONDS:
        with contextlib.suppress(DlcvError, OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            files.save_arrays(path, found)
            written = sorted(path.parent.glob("*.npz"), key=lambda file: file.stat().st_mtime)
            for old in written[:-most]:
                old.unlink(missing_ok=True)
    return found
