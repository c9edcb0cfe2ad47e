"""Parts of sections, ready for the page's template: texts as texts, drawings as pictures."""

import base64
import io
import re
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs

from dlcv.errors import DlcvError, printable
from dlcv.interfaces import Curves, Matrix, Table
from dlcv_plugins import pages
from dlcv_plugins.drawings.figures import figure
from dlcv_plugins.kinds.finished_run import FinishedRun
from dlcv_plugins.kinds.section import (
    Details,
    Highlights,
    Links,
    Notice,
    Pairs,
    Paragraph,
    Part,
    Picture,
    Pictures,
    Preformatted,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLAIN = (Paragraph, Highlights, Notice, Pairs, Preformatted)
"""Parts that the template shows as they are."""
NUMBER = re.compile(r"-?[\d,]+(\.\d+)?( %)?")
RELATIVE = re.compile(r"(?!//)[^:?#\\]*")
"""Addresses without a scheme."""
LONG = 25
"""Tables with more rows are shown in a box that scrolls."""
WIDE = 8
"""Tables with more columns are shown on request."""


@attrs.frozen
class Shown:
    """A part as the template shows it.

    Attributes:
        kind: Which of the template's forms.
        part: What it shows.
    """

    kind: str
    part: Any


@attrs.frozen
class ShownTable:
    """A table as text: the cells, which columns hold numbers only, and rows that stay below."""

    title: str
    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    foot: tuple[tuple[str, ...], ...]

    @property
    def is_long(self) -> bool:
        """Whether it has so many rows that it is shown in a box."""
        return len(self.rows) > LONG

    @property
    def is_wide(self) -> bool:
        """Whether it has so many columns that it is shown on request."""
        return len(self.columns) > WIDE


@attrs.frozen
class Drawn:
    """A drawing as a `data:` address; a matrix needs more room than lines."""

    title: str
    address: str
    is_matrix: bool


@attrs.frozen
class ShownPicture:
    """An image with its caption; the address is empty where the image is missing."""

    picture: Picture
    name: str
    address: str
    is_small: bool


@attrs.define
class Preparation:
    """Prepares the parts of all sections of a page.

    Attributes:
        run: The run that is reported on.
        missing: The names of images that were asked for and are not there.
        problem: Why the data can't be opened, in words; empty if it can.
    """

    run: FinishedRun
    missing: list[str] = attrs.field(factory=list)
    problem: str = ""

    def parts(self, parts: Sequence[Part]) -> list[Shown]:
        """Returns parts for the template; drawings that follow each other are one.

        Raises:
            TypeError: a part is none that a section may show.
        """
        shown: list[Shown] = []
        for part in parts:
            if isinstance(part, Curves | Matrix):
                if not shown or shown[-1].kind != "drawings":
                    shown.append(Shown("drawings", []))
                shown[-1].part.append(
                    Drawn(part.title, address(figure(part)), isinstance(part, Matrix))
                )
            else:
                shown.append(self._part(part))
        return shown

    def _part(self, part: Part) -> Shown:
        if isinstance(part, PLAIN):
            return Shown(type(part).__name__.lower(), part)
        if isinstance(part, Table):
            return self._gallery(part) if part.sample_ids else Shown("table", _table(part))
        if isinstance(part, Pictures):
            pictures = [self._picture(picture) for picture in part.pictures]
            return Shown("pictures", {"title": part.title, "pictures": pictures})
        if isinstance(part, Links):
            for _, path in part.links:
                if not RELATIVE.fullmatch(path):
                    raise TypeError(f"a link of a report is a relative path, not {path}")
            return Shown("links", part)
        if isinstance(part, Details):
            inner = self.parts(part.parts)
            return Shown(
                "details", {"title": part.title, "parts": inner, "printed": part.is_printed}
            )
        raise TypeError(f"a section can't show a {type(part).__name__}")

    def _gallery(self, table: Table) -> Shown:
        """Returns a table about samples as a grid of images, its cells as their captions."""
        pictures = []
        for sample_id, row in zip(table.sample_ids, table.rows, strict=True):
            shown = self._picture(Picture(sample_id))
            cells = [
                (column, text)
                for column, text in zip(table.columns, map(_text, row), strict=True)
                if not text.endswith(shown.name)
            ]
            pictures.append((shown, cells))
        return Shown("gallery", {"title": table.title, "pictures": pictures})

    def _picture(self, picture: Picture) -> ShownPicture:
        name = picture.sample_id.removeprefix(self.run.folder).lstrip("/")
        name = printable(name)
        try:
            image = None if self.problem else self.run.image(picture.sample_id)
        except (DlcvError, OSError) as error:
            self.problem, image = str(error), None
        if image is None:
            self.missing.append(name)
            return ShownPicture(picture, name, "", is_small=False)
        is_small = max(image.shape[:2]) < pages.LARGEST_SIDE_PIXELS
        return ShownPicture(picture, name, pages.thumbnail(image), is_small)


def plain(value: Any) -> Any:
    """Returns a part, or what it consists of, with every text an ordinary `str`.

    A text of another class may bring its own HTML, as those of markupsafe do, and the template
    would take it as it is.
    """
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, tuple | list):
        return tuple(map(plain, value))
    if attrs.has(type(value)):
        texts = {f.name: plain(getattr(value, f.name)) for f in attrs.fields(type(value))}
        return attrs.evolve(value, **texts)
    return value


def _table(table: Table) -> ShownTable:
    rows = tuple(tuple(map(_text, row)) for row in table.rows)
    body = len(rows) - table.foot
    numeric = tuple(
        bool(rows) and all(NUMBER.fullmatch(row[i]) for row in rows)
        for i in range(len(table.columns))
    )
    return ShownTable(table.title, table.columns, numeric, rows[:body], rows[body:])


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else printable(str(value))


def address(drawing: "Figure") -> str:
    """Returns a figure as the `data:` address of an SVG picture without a background."""
    import matplotlib

    content = io.BytesIO()
    # Without a date, and with fixed names, the same run has the same page. Text stays text: the
    # browser has letters of more scripts, and knows in which direction they are read.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        with matplotlib.rc_context({"svg.hashsalt": "dlcv", "svg.fonttype": "none"}):
            drawing.savefig(content, format="svg", transparent=True, metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(content.getvalue()).decode()}"
