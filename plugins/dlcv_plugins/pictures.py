"""Pictures of images in rows and columns."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from dlcv import files
from dlcv.errors import DlcvError, printable

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

Cell = TypeVar("Cell")
CELL_INCHES = 1.6
FORMATS = (".png", ".jpg", ".jpeg", ".webp", ".pdf", ".svg")
"""The extensions that pictures can have."""
TITLE_POINTS = 8
CELL_MARGIN_POINTS = 6
"""What stays free between the titles of two cells."""
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
        titles: A text above each image, in the same rows; what is wider than the cell is cut out of
            the middle of its lines.
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
            if image is not None:
                _draw(panels[i, j], image)
                if titles:
                    _write_title(panels[i, j], titles[i][j], cell_inches)
    if scale is not None:
        colors = figure.colorbar(ScalarMappable(cmap=scale[0]), ax=panels, shrink=0.9, pad=0.01)
        colors.set_label(scale[1], fontsize=8)
        colors.set_ticks([0, 1], labels=["least", "most"], fontsize=8)
    with files.atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=120)


def _draw(axes: "Axes", image: "np.ndarray") -> None:
    """Draws an image: squared pixels where there are few, what the network sees, not a blur."""
    interpolation = "nearest" if max(image.shape[:2]) < 100 else "antialiased"
    grey = image.shape[2] == 1
    axes.imshow(
        image[..., 0] if grey else image,
        cmap="gray" if grey else None,
        vmin=0,
        vmax=255,
        interpolation=interpolation,
    )


def _write_title(axes: "Axes", title: str, cell_inches: float) -> None:
    """Writes a text above an image; lines that would reach into the next cell are shortened."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font, most = FontProperties(size=TITLE_POINTS), 72 * cell_inches - CELL_MARGIN_POINTS

    def width(text: str) -> float:
        return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]

    def fitting(line: str) -> str:
        length = len(line)
        if (whole := width(line)) > most:
            length = 2 + int(length * most / whole)
            while length > 1 and width(shortened(line, length)) > most:
                length -= 1
        return shortened(line, length)

    lines = [fitting(printable(line)) for line in title.split("\n")]
    # A dollar in a file's name is no formula.
    axes.set_title("\n".join(lines), fontsize=TITLE_POINTS, pad=3, parse_math=False)


def shortened(text: str, length: int) -> str:
    """Returns a text whose middle is cut out where it is longer than `length` characters."""
    if len(text) <= length:
        return text
    return f"{text[: (length - 1) // 2]}…{text[len(text) - length // 2 :]}"


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


def is_within(data: str) -> bool:
    """Returns whether what is written here would become part of a folder of images."""
    return Path.cwd().is_relative_to(Path(data).resolve())
