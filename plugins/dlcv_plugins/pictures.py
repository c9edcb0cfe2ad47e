"""Pictures of images in rows and columns."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from dlcv import files
from dlcv.errors import DlcvError, printable

if TYPE_CHECKING:
    import numpy as np

Cell = TypeVar("Cell")
CELL_INCHES = 1.6
FORMATS = (".png", ".jpg", ".jpeg", ".webp", ".pdf", ".svg")
"""The extensions that pictures can have."""
COLUMNS = 6
"""As many cells of a single row, or of a single column, stand side by side."""


def draw_grid(
    path: Path,
    rows: "Sequence[Sequence[np.ndarray | None]]",
    *,
    titles: Sequence[Sequence[str]] = (),
    heading: str = "",
    cell_inches: float = CELL_INCHES,
    scale: tuple[str, str] | None = None,
) -> None:
    """Draws images in rows and columns and writes the picture.

    Args:
        path: The picture's file; its extension decides the format.
        rows: The images of each row, `(H, W, 3)` or `(H, W, 1)` uint8, or None for an empty place;
            rows may differ in length.
        titles: A text above each image, in the same rows.
        heading: A text above all.
        cell_inches: The height and width of a cell.
        scale: A color map of Matplotlib's and what it stands for, from 0 to 1, drawn at the side.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

    columns = max(len(row) for row in rows)
    lines = max((title.count("\n") + 1 for row in titles for title in row), default=0)
    figure = Figure(
        figsize=(
            cell_inches * columns + bool(scale),
            (cell_inches + 0.2 * lines) * len(rows) + 0.4,
        ),
        layout="constrained",
    )
    if heading:
        figure.suptitle(heading, fontsize=10, parse_math=False)
    panels = figure.subplots(len(rows), columns, squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    for i, row in enumerate(rows):
        for j, image in enumerate(row):
            if image is None:
                continue
            # Squared pixels where there are few: what the network sees, not a blur of it.
            interpolation = "nearest" if max(image.shape[:2]) < 100 else "antialiased"
            grey = image.shape[2] == 1
            panels[i, j].imshow(
                image[..., 0] if grey else image,
                cmap="gray" if grey else None,
                vmin=0,
                vmax=255,
                interpolation=interpolation,
            )
            if titles:
                # A dollar in a file's name is no formula.
                title = "\n".join(map(printable, titles[i][j].split("\n")))
                panels[i, j].set_title(title, fontsize=8, pad=3, parse_math=False)
    if scale is not None:
        colors = figure.colorbar(ScalarMappable(cmap=scale[0]), ax=panels, shrink=0.9, pad=0.01)
        colors.set_label(scale[1], fontsize=8)
        colors.set_ticks([0, 1], labels=["least", "most"], fontsize=8)
    with files.atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=120)


def wrapped(rows: Sequence[Sequence[Cell]]) -> list[list[Cell]]:
    """Returns rows as they are, and a single row or column as rows of some cells."""
    cells = [cell for row in rows for cell in row]
    if len(rows) > 1 and len(cells) > len(rows):
        return [list(row) for row in rows]
    return [cells[start : start + COLUMNS] for start in range(0, len(cells), COLUMNS)]


def check_format(path: Path) -> None:
    """Raises a `DlcvError` if a path's extension is not one of `FORMATS`."""
    if path.suffix.lower() not in FORMATS:
        raise DlcvError(f"{path}: pictures are written as {', '.join(FORMATS)}; use one of these")
