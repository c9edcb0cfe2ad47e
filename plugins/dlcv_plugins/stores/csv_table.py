"""The reader of tables of images: finds the columns, and names the line of what is wrong."""

import csv
import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from dlcv import files, images
from dlcv.errors import DlcvError, some, suggestion
from dlcv.interfaces import UNSPLIT
from dlcv_plugins.stores import layout

SEPARATORS = (",", ";", "\t")
COLUMN_NAMES = {
    "image": (
        "path", "paths", "file", "files", "filename", "filenames", "filepath", "filepaths",
        "image", "images", "imagename", "imagepath", "imagepaths", "imagefile", "imgpath", "img",
    ),
    "label": ("label", "labels", "class", "classes", "classname", "category", "target"),
    "split": ("split", "splits", "subset", "dataset", "partition", "usage"),
}  # fmt: skip
"""The names by which each column is found, in lower case and without spaces, _ and -."""
SHOWN_NAMES = {"image": "path, file or image", "label": "label or class", "split": "split"}


@attrs.frozen
class Row:
    """One image.

    Attributes:
        path: Its file.
        label: Its label.
        split: `train`, `val`, `test`, or `all` where the table has no splits.
        line: Where the row begins in the file, counted from 1.
        group: What a further column that was asked for has; else empty.
    """

    path: str
    label: str
    split: str
    line: int
    group: str = ""


@attrs.frozen
class Table:
    """What a CSV file lists.

    Attributes:
        rows: The images.
        repeated: How many lines said again what another said, and are left out.
    """

    rows: list[Row]
    repeated: int

    @property
    def label_names(self) -> list[str]:
        """The labels, sorted: by value if all are whole numbers."""
        names = {row.label for row in self.rows}
        # Python converts numbers of 640 digits, however its limit is set; longer ones are texts.
        are_numbers = all(re.fullmatch("-?[0-9]{1,640}", name) for name in names)
        return sorted(names, key=lambda name: (int(name), name)) if are_numbers else sorted(names)


def read_table(path: Path, root: Path, columns: Mapping[str, str]) -> Table:
    """Reads a CSV file whose first line names its columns.

    Args:
        path: The file.
        root: The folder that relative paths start from.
        columns: The columns' names by `image`, `label` and `split`; those that are empty are
            found by `COLUMN_NAMES`, and `split` may be missing. A further one by `group`.

    Raises:
        DlcvError: a column is missing, or a line is wrong; the message names it.
    """
    text = _text(path)
    lines = text.splitlines()
    header_line = next((line for line in lines if line.strip()), None)
    if header_line is None:
        raise DlcvError(f"{path} is empty; its first line names the columns")
    separator = _separator(header_line, columns)
    records = _records(path, text, separator)
    _, header = next(records)
    header = [name.strip() for name in header]
    places = {kind: _place(path, header, kind, named) for kind, named in columns.items()}
    rows: dict[str, Row] = {}
    repeated = 0
    for line, record in records:
        row = _row(path, root, line, record, header, places)
        before = rows.setdefault(os.path.normpath(row.path), row)
        _check_repeated(path, before, row)
        repeated += before is not row
    if not rows:
        raise DlcvError(f"{path} names columns and has no line below them")
    return Table(list(rows.values()), repeated)


def _text(path: Path) -> str:
    """Returns a file's text, without the mark that some programs put before it."""
    try:
        content = files.read(path)
    except FileNotFoundError:
        raise DlcvError(f"no such file: {path}") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DlcvError(
            f"{path}, line {line}: the text is not in UTF-8; save the table as CSV in UTF-8"
        ) from None


def _separator(header: str, columns: Mapping[str, str]) -> str:
    """Returns the separator by which a header's columns are found, else the one it has most of."""

    def score(separator: str) -> tuple[int, int]:
        try:
            names = [name.strip() for name in next(csv.reader([header], delimiter=separator), [])]
        except csv.Error:
            names = []  # Who reads the records says what is wrong, and on which line.
        found = [kind for kind, named in columns.items() if _candidates(names, kind, named)]
        return len(found), header.count(separator)

    return max(SEPARATORS, key=score)


def _records(path: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yields the records that are not blank, with the lines where they begin."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    before = 0
    try:
        for record in reader:
            if any(field.strip() for field in record):
                yield before + 1, record
            before = reader.line_num
    except csv.Error as error:
        raise DlcvError(f"{path}, line {before + 1}: can't be read as CSV: {error}") from None


def _candidates(header: Sequence[str], kind: str, named: str) -> list[int]:
    """Returns the places of the columns that may be the one asked for."""
    if named:
        return [i for i, name in enumerate(header) if name == named]
    plain = [name.lower().translate({ord(c): None for c in " _-"}) for name in header]
    return [i for i, name in enumerate(plain) if name in COLUMN_NAMES[kind]]


def _place(path: Path, header: Sequence[str], kind: str, named: str) -> int | None:
    """Returns which column is that of images, labels or splits; None for no column of splits."""
    found = _candidates(header, kind, named)
    shown = [repr(name if len(name) < 40 else f"{name[:40]}...") for name in header]
    listed = f"its first line names {some(shown, most=12)}"
    if len(found) > 1:
        doubtful = " and ".join(repr(header[i]) for i in found)
        raise DlcvError(
            f"{path}: the columns {doubtful} may all be that of {kind}s; say which with "
            f"{kind}_column, or rename one; {listed}"
        )
    if not found and named:
        raise DlcvError(f'{path} has no column "{named}"{suggestion(named, header)}; {listed}')
    if not found and any(map(images.is_image_file, header)):
        raise DlcvError(
            f"{path}: its first line holds {', '.join(shown)}, an image and no names of columns; "
            "put a line such as path,label above it"
        )
    if not found and kind != "split":
        raise DlcvError(
            f"{path} has no column {SHOWN_NAMES[kind]}; {listed}; rename it, or say which with "
            f"{kind}_column"
        )
    return found[0] if found else None


def _row(
    path: Path,
    root: Path,
    line: int,
    record: Sequence[str],
    header: Sequence[str],
    places: Mapping[str, int | None],
) -> Row:
    """Returns a record as a row, or refuses it."""
    where = f"{path}, line {line}"
    if len(record) != len(header):
        raise DlcvError(
            f"{where} has {len(record)} fields, and the first line names {len(header)} columns; "
            "a field that holds a separator is put in double quotes"
        )
    fields = {kind: record[i].strip() for kind, i in places.items() if i is not None}
    if empty := [kind for kind, field in fields.items() if not field]:
        raise DlcvError(f"{where}: the {' and the '.join(empty)} is empty")
    split = layout.split_named(fields["split"]) if "split" in fields else UNSPLIT
    if split is None:
        raise DlcvError(
            f'{where}: unknown split "{fields["split"]}"; there are '
            f"{', '.join(layout.SPLIT_WORDS)}; rename the column if it holds no splits"
        )
    image = os.path.join(root, fields["image"])
    if "\\" in image and not os.path.exists(image):
        # A table that was written on Windows.
        image = os.path.join(root, fields["image"].replace("\\", "/"))
    return Row(image, fields["label"], split, line, fields.get("group", ""))


def _check_repeated(path: Path, before: Row, row: Row) -> None:
    """Refuses an image that is listed twice with other words."""
    for what, first, second in (
        ("label", before.label, row.label),
        ("split", before.split, row.split),
        ("group", before.group, row.group),
    ):
        if first != second:
            raise DlcvError(
                f'{path}, line {row.line}: {row.path} has the {what} "{second}", and "{first}" on '
                f"line {before.line}"
            )
