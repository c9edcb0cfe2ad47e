"""What pages show beside texts, tables, curves and matrices: images, and bars."""

from typing import Literal

import attrs

from dlcv.interfaces import Matrix

Tone = Literal["plain", "faint", "good", "note", "warning", "error"]
"""How a text is colored: what it says must be clear without the color."""


@attrs.frozen
class Picture:
    """An image of the run's data, small, with a caption; its name is added. A click enlarges it.

    Attributes:
        sample_id: The sample, as `Predictions.sample_ids` names it.
        title: What comes first, in bold and in its tone.
        value: What stands beside it, such as a probability.
        lines: What stands below it.
        tone: How the title is colored.
    """

    sample_id: str
    title: str = ""
    value: str = ""
    lines: tuple[str, ...] = ()
    tone: Tone = "plain"


@attrs.frozen
class Pictures:
    """Images in a grid.

    Attributes:
        pictures: The images.
        title: What they are; may be empty.
    """

    pictures: tuple[Picture, ...]
    title: str = ""


@attrs.frozen
class Comparison:
    """An image beside others, such as those that it resembles.

    Attributes:
        picture: The image.
        others: What it is compared with, from left to right.
    """

    picture: Picture
    others: tuple[Picture, ...]


@attrs.frozen
class Comparisons:
    """Images, each beside others.

    Attributes:
        comparisons: The images.
        title: What they are; may be empty.
        relation: What stands between an image and the others: `resembles`.
    """

    comparisons: tuple[Comparison, ...]
    title: str = ""
    relation: str = ""


@attrs.frozen
class CellPictures:
    """Images that a cell of a matrix opens.

    Attributes:
        row: The cell's row.
        column: Its column.
        pictures: Those that are shown.
        more: How many more belong to the cell.
    """

    row: int
    column: int
    pictures: tuple[Picture, ...]
    more: int = 0


@attrs.frozen(eq=False)
class PicturedMatrix:
    """A matrix whose cells open images.

    Attributes:
        matrix: The matrix.
        cells: The cells that have images, those first that matter most: where an image costs too
            much time to read, the last ones go without.
    """

    matrix: Matrix
    cells: tuple[CellPictures, ...]


@attrs.frozen
class Bar:
    """A bar.

    Attributes:
        label: What it is, below it.
        value: Its height, 0 or more.
        note: What is written above it, such as a count; may be empty.
        reference: The height of a line across it, to compare with; None for none.
        details: What is told on request, a line each.
    """

    label: str
    value: float
    note: str = ""
    reference: float | None = None
    details: tuple[str, ...] = ()


@attrs.frozen
class Bars:
    """Bars beside each other.

    Attributes:
        title: What they show.
        x_label: What distinguishes them.
        y_label: What their height is.
        bars: The bars, from left to right.
        highest: Where the vertical axis ends; None for the highest bar.
        reference_label: What the lines across the bars are; empty where there are none.
    """

    title: str
    x_label: str
    y_label: str
    bars: tuple[Bar, ...]
    highest: float | None = None
    reference_label: str = ""
