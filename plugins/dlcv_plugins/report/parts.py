"""Parts of sections, ready for the page's template: texts as texts, drawings as places."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from dlcv.interfaces import Curves, Matrix, Table
from dlcv_plugins.kinds.drawing import Bars, Comparisons, Picture, PicturedMatrix, Pictures
from dlcv_plugins.kinds.finished_run import FinishedRun
from dlcv_plugins.kinds.section import (
    Details,
    Highlights,
    Links,
    Notice,
    Pairs,
    Paragraph,
    Part,
    Preformatted,
)
from dlcv_plugins.pages.charts import bar_chart, line_chart
from dlcv_plugins.pages.matrices import shown_matrix
from dlcv_plugins.report.pictures import PictureReader, ShownPicture
from dlcv_plugins.report.tables import cell_text, shown_table

TOGETHER = {
    "lines": "row",
    "bars": "row",
    "matrix": "row",
    "table": "row",
    "pairs": "row",
    "notice": "notices",
}
"""Forms that stand beside each other where they follow each other, with what holds them."""
RELATIVE = re.compile(r"(?!//)[^:?#\\]*")
"""Addresses without a scheme."""


@attrs.frozen
class Shown:
    """A part as the template shows it.

    Attributes:
        kind: Which of the template's forms.
        part: What it shows.
    """

    kind: str
    part: Any


@attrs.define
class Preparation:
    """Prepares the parts of all sections of a page.

    Attributes:
        run: The run that is reported on.
        pictures: Reads the images.
    """

    run: FinishedRun
    pictures: PictureReader = attrs.field(
        default=attrs.Factory(lambda self: PictureReader(self.run), takes_self=True)
    )

    def parts(self, parts: Sequence[Part]) -> list[Shown]:
        """Returns parts for the template; those that stand beside each other are one.

        Raises:
            TypeError: a part is none that a section may show.
        """
        shown: list[Shown] = []
        for part in map(self._part, parts):
            together = TOGETHER.get(part.kind)
            if together and shown and shown[-1].kind == together:
                shown[-1].part.append(part)
            else:
                shown.append(Shown(together, [part]) if together else part)
        return shown

    def _part(self, part: Part) -> Shown:
        for kind, prepare in self._forms.items():
            if isinstance(part, kind):
                return prepare(part)
        raise TypeError(f"a section can't show a {type(part).__name__}")

    @property
    def _forms(self) -> dict[type, Callable[[Any], Shown]]:
        """What prepares each form."""
        return {
            **dict.fromkeys((Paragraph, Highlights, Notice, Pairs, Preformatted), _as_it_is),
            Curves: lambda part: Shown("lines", line_chart(part)),
            Bars: lambda part: Shown("bars", bar_chart(part)),
            Matrix: lambda part: Shown("matrix", {"matrix": shown_matrix(part), "opened": []}),
            PicturedMatrix: self._pictured,
            Table: self._table,
            Pictures: self._pictures,
            Comparisons: self._comparisons,
            Links: _links,
            Details: self._details,
        }

    def _details(self, part: Details) -> Shown:
        inner = self.parts(part.parts)
        return Shown("details", {"title": part.title, "parts": inner, "printed": part.is_printed})

    def _pictures(self, part: Pictures) -> Shown:
        return Shown("pictures", {"title": part.title, "pictures": self._all(part.pictures)})

    def _comparisons(self, part: Comparisons) -> Shown:
        rows = [(self.pictures.shown(c.picture), self._all(c.others)) for c in part.comparisons]
        return Shown("comparisons", {"title": part.title, "relation": part.relation, "rows": rows})

    def _all(self, pictures: Sequence[Picture]) -> list[ShownPicture]:
        return [self.pictures.shown(picture) for picture in pictures]

    def _pictured(self, part: PicturedMatrix) -> Shown:
        """Returns a matrix, and the images of its cells by row; the first cells come first."""
        rows: dict[int, dict[str, Any]] = {}
        opened = set()
        for cell in part.cells:
            row = rows.setdefault(cell.row, {"row": cell.row, "pictures": [], "more": 0})
            pictures = self.pictures.available(cell.pictures)
            row["more"] += cell.more + len(cell.pictures) - len(pictures)
            row["pictures"] += [(cell.column, shown) for shown in pictures]
            if pictures:
                opened.add((cell.row, cell.column))
        return Shown(
            "matrix",
            {
                "matrix": shown_matrix(part.matrix, frozenset(opened)),
                "opened": [row for row in rows.values() if row["pictures"]],
            },
        )

    def _table(self, table: Table) -> Shown:
        """Returns a table; one about samples is a grid of images, its cells are their captions."""
        if not table.sample_ids:
            return Shown("table", shown_table(table))
        pictures = []
        for sample_id, row in zip(table.sample_ids, table.rows, strict=True):
            shown = self.pictures.shown(Picture(sample_id))
            cells = [
                (column, text)
                for column, text in zip(table.columns, map(cell_text, row), strict=True)
                if not text.endswith(shown.name)
            ]
            pictures.append((shown, cells))
        return Shown("gallery", {"title": table.title, "pictures": pictures})


def plain(value: Any) -> Any:
    """Returns a part, or what it consists of, with every text an ordinary `str`.

    A text of another class may bring its own HTML, as those of markupsafe do, and the template
    would take it as it is.
    """
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, tuple | list):
        return tuple(map(plain, value))
    if isinstance(value, dict):
        return {plain(key): plain(of) for key, of in value.items()}
    if attrs.has(type(value)):
        texts = {f.name: plain(getattr(value, f.name)) for f in attrs.fields(type(value))}
        return attrs.evolve(value, **texts)
    return value


def _as_it_is(part: Any) -> Shown:
    return Shown(type(part).__name__.lower(), part)


def _links(part: Links) -> Shown:
    for _, path in part.links:
        if not RELATIVE.fullmatch(path):
            raise TypeError(f"a link of a report is a relative path, not {path}")
    return Shown("links", part)
