"""Where in an image the pixels of a network's input come from."""

import cv2
import numpy as np

from dlcv.api import Run, open_inputs

PLAIN = (64, 192)
"""The levels of images of one color, which steps that only move pixels leave as they are."""
MOST_OFF = 2
"""As many levels may rounding and interpolation change, away from the border."""


def placement(run: Run, size: tuple[int, int]) -> np.ndarray | None:
    """Returns the affine map from places of a run's input to those of an image.

    Images whose levels are their places are sent through the run's pixel steps, so that it is found
    for any steps; nothing has to know what they do.

    Args:
        run: The run.
        size: The image's height and width.

    Returns:
        `(2, 3)` float64, which takes (x, y, 1) to (x, y); None where the steps do more than move,
        scale, turn or cut.
    """
    height, width = size
    across, down = (
        np.linspace(0, 255, count).round().astype(np.uint8) for count in (width, height)
    )
    planes = [
        np.broadcast_to(across, size),
        np.broadcast_to(down[:, np.newaxis], size),
        *(np.full(size, level, np.uint8) for level in PLAIN),
    ]
    images = [np.repeat(plane[..., np.newaxis], run.channels, axis=2) for plane in planes]
    found = np.concatenate(
        [batch for batch, _ in run.loader(open_inputs(images, run.channels)).epoch()]
    )
    x, y, *plain = found[..., 0].astype(np.float64)
    is_kept = np.all([abs(p - level) <= 1 for p, level in zip(plain, PLAIN, strict=True)], axis=0)
    if not is_kept.any():
        return None
    places = np.argwhere(is_kept)[:, ::-1]
    places = np.column_stack([places, np.ones(len(places))])
    levels = np.column_stack([x[is_kept], y[is_kept]])
    fitted = np.linalg.lstsq(places, levels, rcond=None)[0]
    # Enlarging repeats the border's pixels over half of a pixel.
    most = MOST_OFF + 255 / np.maximum(np.array([width, height]) - 1, 1)
    if (abs(places @ fitted - levels) > most).any():
        return None
    return fitted.T * (np.array([[width - 1], [height - 1]]) / 255)


def placed(heat: np.ndarray, to_image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns a map of the network's input, `(H, W)` float32, where it belongs in an image.

    Args:
        heat: The map.
        to_image: What `placement` returns.
        size: The image's height and width.

    Returns:
        The map in that size; NaN where the network does not see the image.
    """
    wide = size[::-1]
    moved = cv2.warpAffine(heat, to_image, wide, borderMode=cv2.BORDER_REPLICATE)
    # Half a pixel of the input lies beyond the centers of those at its border.
    corners = np.pad(np.ones_like(heat), 1)
    shift = to_image.copy()
    shift[:, 2] -= to_image[:, :2].sum(axis=1)
    seen = cv2.warpAffine(corners, shift, wide) >= 0.5
    return np.where(seen, moved, np.float32(np.nan))
