"""The frames of a video as images."""

import logging
import os
from collections.abc import Iterator

import cv2
import numpy as np

from dlcv.api import ArrayImages
from dlcv.errors import ImageError

logger = logging.getLogger(__name__)
BYTES_AT_ONCE = 2**27
"""So many bytes of frames are read at a time, and a frame more: 48 of 1280 x 720 pixels."""
FFMPEG_QUIET = "-8"
SURELY_CUT = 0.9
"""Where fewer frames can be read than this share of what the video's header says; it may be off a
little in whole videos, too."""


def frames(path: str | os.PathLike[str], channels: int) -> Iterator[ArrayImages]:
    """Yields all frames of a video in parts, named by their second: `walk.mp4 at 12.40 s`.

    Args:
        path: The file.
        channels: 3 for RGB, 1 for grey.

    Raises:
        ImageError: it can't be read, or ends long before the end that it promises.
    """
    # FFmpeg's own lines are less clear than the error below; it reads this on opening a file.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", FFMPEG_QUIET)
    video = cv2.VideoCapture(os.fspath(path))
    promised = video.get(cv2.CAP_PROP_FRAME_COUNT)
    rate = video.get(cv2.CAP_PROP_FPS) or 25.0
    count = 0
    try:
        while True:
            part = _read(video, channels)
            if not part:
                break
            seconds = [(count + i) / rate for i in range(len(part))]
            yield ArrayImages(part, [f"{os.fspath(path)} at {second:.2f} s" for second in seconds])
            count += len(part)
            del part  # Before the next one is read, or both would be in memory.
    finally:
        video.release()
    if not count:
        raise ImageError("holds no frames that can be read", name=os.fspath(path))
    if count < SURELY_CUT * promised:
        raise ImageError(
            f"is cut: {count} of {promised:.0f} frames can be read", name=os.fspath(path)
        )


def _read(video: cv2.VideoCapture, channels: int) -> list[np.ndarray]:
    """Returns the next frames, each `(H, W, channels)` uint8; fewer, or none, at the end."""
    conversion = cv2.COLOR_BGR2RGB if channels == 3 else cv2.COLOR_BGR2GRAY
    part: list[np.ndarray] = []
    size = 0
    while size < BYTES_AT_ONCE:
        is_there, frame = video.read()
        if not is_there:
            break
        part.append(np.atleast_3d(cv2.cvtColor(frame, conversion)))
        size += part[-1].nbytes
    return part
