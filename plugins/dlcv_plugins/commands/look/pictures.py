"""Pictures of what is inside a network."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from dlcv_plugins.pictures import draw_grid

if TYPE_CHECKING:
    from dlcv_plugins.commands.look.grad_cam import Explanation

SMALLEST_SIDE_PIXELS = 224
"""Smaller images are enlarged, so that the heat upon them has no steps."""
HEAT_SHARE = 0.5
"""How much of the heat is mixed into the image."""
UNSEEN_SHARE = 0.4
"""How bright the parts are that the network does not see."""
CELLS_PER_ROW = 6
CELL_INCHES = 2.4
LARGEST_COUNT = 64
"""As many maps are drawn."""


def draw_explanations(path: Path, explanations: "Sequence[Explanation]") -> None:
    """Draws each image beside itself in the colors of what speaks for its class.

    Where an image is known to be of another class, what speaks for that stands beside.
    """
    groups = [_group(explained) for explained in explanations]
    width = max(map(len, groups))
    filled = [group + [(None, "")] * (width - len(group)) for group in groups]
    per_row = CELLS_PER_ROW // width
    rows = [list(itertools.chain(*filled[i : i + per_row])) for i in range(0, len(filled), per_row)]
    draw_grid(
        path,
        [[picture for picture, _ in row] for row in rows],
        titles=[[title for _, title in row] for row in rows],
        cell_inches=CELL_INCHES,
        scale=("turbo", "speaks for the class"),
    )


def _group(explained: "Explanation") -> list[tuple[np.ndarray | None, str]]:
    """Returns the pictures of one image with their titles."""
    picture, name = _enlarged(explained.pixels), Path(explained.id).name
    answer = f"{explained.label} {100 * explained.probability:.1f} %"
    if explained.label == explained.predicted:
        answer = f"predicted: {answer}"
    if explained.truth is not None:
        name = f"{name}\ntrue: {explained.truth}"
    group: list[tuple[np.ndarray | None, str]] = [
        (picture, name), (_heated(picture, explained.heat), answer),
    ]  # fmt: skip
    if explained.truth_heat is not None:
        share = 100 * (explained.truth_probability or 0)
        answer = f"true: {explained.truth} {share:.1f} %"
        group.append((_heated(picture, explained.truth_heat), answer))
    return group


def draw_filters(path: Path, name: str, filters: np.ndarray) -> None:
    """Draws filters in a square.

    Args:
        path: The picture.
        name: The layer's name.
        filters: `(filters, height, width, channels)` uint8.
    """
    draw_grid(path, _square(list(filters)), heading=f"{len(filters)} filters of {name}")


def draw_maps(path: Path, name: str, pixels: np.ndarray, maps: np.ndarray) -> None:
    """Draws an image and the first maps that a layer makes of it, each from black to white.

    Args:
        path: The picture.
        name: The layer's name.
        pixels: `(H, W, C)` uint8.
        maps: `(height, width, maps)` float32.
    """
    shown = maps[..., :LARGEST_COUNT]
    low, high = shown.min(axis=(0, 1)), shown.max(axis=(0, 1))
    shares = np.divide(shown - low, high - low, out=np.zeros_like(shown), where=high > low)
    grey = [image[..., np.newaxis] for image in np.round(255 * shares).astype(np.uint8).T]
    count = maps.shape[2]
    part = f"the first {len(grey)} of {count}" if count > len(grey) else str(count)
    cells = [pixels, *(image.swapaxes(0, 1) for image in grey)]
    draw_grid(path, _square(cells), heading=f"{part} maps of {name}")


def _square(cells: list[np.ndarray]) -> list[list[np.ndarray]]:
    columns = max(1, round(len(cells) ** 0.5))
    return [cells[i : i + columns] for i in range(0, len(cells), columns)]


def _enlarged(pixels: np.ndarray) -> np.ndarray:
    """Returns an image in color, as `(H, W, 3)` uint8, each pixel drawn as a square of them."""
    color = np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
    factor = -(-SMALLEST_SIDE_PIXELS // min(pixels.shape[:2]))
    return color.repeat(factor, axis=0).repeat(factor, axis=1)


def _heated(picture: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Returns a picture in the colors of a heat from 0 to 1; dark where that is NaN."""
    height, width = picture.shape[:2]
    large = cv2.resize(np.nan_to_num(heat), (width, height), interpolation=cv2.INTER_LINEAR)
    colors = cv2.applyColorMap(np.round(255 * large).astype(np.uint8), cv2.COLORMAP_TURBO)
    mixed = cv2.addWeighted(picture, 1 - HEAT_SHARE, colors[..., ::-1], HEAT_SHARE, 0)
    unseen = cv2.resize(np.isnan(heat).astype(np.uint8), (width, height)) > 0
    mixed[unseen] = (UNSEEN_SHARE * picture[unseen]).astype(np.uint8)
    return mixed
