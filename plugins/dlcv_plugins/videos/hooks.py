"""Lets the frames of videos be predicted."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dlcv import hook

if TYPE_CHECKING:
    from dlcv.interfaces import LabelledImages

EXTENSIONS = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm"})


@hook
def dlcv_frames(path: Path, channels: int) -> "Iterator[LabelledImages] | None":
    """Returns the frames of a video, which is recognized by its extension."""
    if path.suffix.lower() not in EXTENSIONS:
        return None
    from dlcv_plugins.videos.frames import frames

    return frames(path, channels)
