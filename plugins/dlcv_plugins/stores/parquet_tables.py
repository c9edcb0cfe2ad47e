"""Tables in Parquet files: which columns hold images and labels."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import attrs

from dlcv import images
from dlcv.errors import DlcvError, ImageError, some
from dlcv_plugins.stores import parquet_groups
from dlcv_plugins.stores.byte_files import ByteFile
from dlcv_plugins.stores.encoded import EncodedImages, largest_content

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from pyarrow import parquet

IMAGE_NAMES = ("image", "img", "picture", "photo", "jpg", "png", "webp")
LABEL_NAMES = ("label", "labels", "class", "category", "target", "cls")
"""What columns are called, the most usual name first."""


@attrs.frozen(eq=False)
class Table:
    """The rows of one split.

    Attributes:
        files: Its files.
        metadata: Their footers, parsed.
        image_path: The column of the images' bytes, such as `image.bytes`.
        labels: `(N,)`: int64, or texts.
        names: The classes' names that the metadata has; none where labels are texts or numbers.
    """

    files: Sequence[ByteFile]
    metadata: "Sequence[parquet.FileMetaData]"
    image_path: str
    labels: "np.ndarray"
    names: tuple[str, ...]

    @property
    def is_labelled(self) -> bool:
        """Whether there is a label: the hub has -1 where labels are kept secret."""
        return self.labels.dtype.kind != "i" or bool((self.labels >= 0).any())


def read_table(files: Sequence[ByteFile], image_column: str, label_column: str) -> Table:
    """Reads the labels of a split's files, and finds its images.

    Args:
        files: The files, in order.
        image_column: The column of images; empty to find it.
        label_column: The column of labels; empty to find it.

    Raises:
        DlcvError: pyarrow is not installed; a file is damaged, or has other columns than the
            first; or some labels are missing, and not all.
    """
    import numpy as np

    names: tuple[str, ...] = ()
    first_schema, image, label = None, "", ""
    metadata, labels = [], []
    for file in files:
        with parquet_groups.opened(file) as opened:
            schema = opened.schema_arrow
            if first_schema is None:
                first_schema = schema
                image, label, names = _columns(file, schema, image_column, label_column)
            elif not schema.equals(first_schema) or _names(file, schema).get(label, ()) != names:
                raise DlcvError(
                    f"{file.name} has other columns or classes than {files[0].name}; it is of "
                    "another data set"
                )
            metadata.append(opened.metadata)
            column = opened.read([label]).column(0)
        labels.append(_labels(file, column, names))
    _refuse_unlabelled(files, labels)
    table = Table(files, metadata, image, np.concatenate(labels), names)
    if not len(table.labels):
        raise DlcvError(f"{files[0].name} holds no rows")
    return table


def label_names(tables: Iterable[Table]) -> tuple[str, ...]:
    """Returns the classes' names of a data set's tables; numbers where there are only numbers.

    Raises:
        DlcvError: the splits have other classes.
    """
    import numpy as np

    tables = list(tables)
    if len({table.names for table in tables}) > 1:
        raise DlcvError(
            f"{tables[0].files[0].name} and {tables[-1].files[0].name} have other classes; they "
            "are of two data sets"
        )
    if tables[0].names:
        return tables[0].names
    values = np.unique(np.concatenate([np.unique(table.labels) for table in tables]))
    return tuple(map(str, values.tolist()))


class TableImages(EncodedImages):
    """The images of one split, read a group of rows at a time."""

    def __init__(
        self,
        table: Table,
        names: tuple[str, ...],
        *,
        color_mode: images.ColorMode,
        bit_depth: images.BitDepth,
    ) -> None:
        """Takes what `EncodedImages` takes, and the table."""
        import numpy as np

        labels = table.labels
        if not table.names:
            positions = {name: position for position, name in enumerate(names)}
            labels = np.array([positions[str(v)] for v in labels.tolist()], np.int64)
        super().__init__(labels, names, color_mode=color_mode, bit_depth=bit_depth)
        self._table = table
        groups = [
            (file, group, metadata.row_group(group).num_rows)
            for file, metadata in enumerate(table.metadata)
            for group in range(metadata.num_row_groups)
        ]
        self._groups = [(file, group) for file, group, _ in groups]
        self._starts = np.cumsum([0, *(rows for *_, rows in groups)])
        self._firsts = np.cumsum([0, *(metadata.num_rows for metadata in table.metadata)])

    def content(self, index: int) -> bytes:
        """Returns the bytes of a row's image."""
        group = int(self._starts.searchsorted(index, "right")) - 1
        file, number = self._groups[group]
        table = self._table
        column = parquet_groups.column(
            table.files[file], table.metadata[file], number, table.image_path
        )
        value = column[index - int(self._starts[group])].as_buffer()
        if value is None:
            raise ImageError("holds no image, only its path; the files need the images' bytes")
        if value.size > (limit := largest_content()):
            raise ImageError(f"has {value.size:,} bytes; at most {limit:,} are read")
        return value.to_pybytes()

    def sample_id(self, index: int) -> str:
        """Returns the file, and the row in it."""
        file = int(self._firsts.searchsorted(index, "right")) - 1
        return f"{self._table.files[file].name}[{index - int(self._firsts[file])}]"

    def identity(self) -> bytes:
        """Returns how many bytes each row group's images have."""
        described = [
            (metadata.row_group(group).num_rows, column.total_uncompressed_size)
            for metadata in self._table.metadata
            for group in range(metadata.num_row_groups)
            if (column := parquet_groups.chunk(metadata, group, self._table.image_path))
        ]
        return hashlib.sha256(repr(described).encode()).digest()


def _columns(
    file: ByteFile, schema: "pa.Schema", image_column: str, label_column: str
) -> tuple[str, str, tuple[str, ...]]:
    """Returns the columns of images and labels, and the names of the labels."""
    import pyarrow as pa

    kinds = {field.name: field.type for field in schema}
    for asked in filter(None, (image_column, label_column)):
        if asked not in kinds:
            raise DlcvError(f'{file.name} has no column "{asked}"; it has {some(kinds)}')
    holding = [name for name, kind in kinds.items() if _bytes_path(name, kind)]
    image = image_column or _chosen(file, holding, IMAGE_NAMES, "image", kinds)
    path = _bytes_path(image, kinds[image])
    if not path:
        raise DlcvError(f"{file.name}: {image} holds {kinds[image]}, not images' bytes")
    names = _names(file, schema)
    plain = [
        name
        for name, kind in kinds.items()
        if pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)
    ]
    usual = [name for name in LABEL_NAMES if name in plain]
    label = label_column or _chosen(
        file, list(names) or usual or plain, LABEL_NAMES, "label", kinds
    )
    if label not in plain:
        raise DlcvError(f"{file.name}: {label} holds {kinds[label]}, not whole numbers or texts")
    return path, label, names.get(label, ())


def _bytes_path(name: str, kind: "pa.DataType") -> str:
    """Returns the path of a column's bytes; empty where it holds none."""
    import pyarrow as pa

    if pa.types.is_struct(kind):
        index = kind.get_field_index("bytes")
        is_image = index >= 0 and _is_binary(kind.field(index).type)
        return f"{name}.bytes" if is_image else ""
    return name if _is_binary(kind) else ""


def _is_binary(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _chosen(
    file: ByteFile, found: Sequence[str], usual: Sequence[str], what: str, kinds: Iterable[str]
) -> str:
    """Returns the one column that fits, or the one of a usual name."""
    named = [name for name in usual if name in found]
    if len(found) == 1 or named:
        return (named or list(found))[0]
    many = f"several columns may hold the {what}s" if found else f"no column holds {what}s"
    raise DlcvError(
        f"{file.name}: {many} ({some(found or kinds)}); name the one with {what}_column"
    )


def _names(file: ByteFile, schema: "pa.Schema") -> dict[str, tuple[str, ...]]:
    """Returns the classes' names by column, as the library `datasets` writes them."""
    text = (schema.metadata or {}).get(b"huggingface", b"{}")
    try:
        features = json.loads(text).get("info", {}).get("features", {})
        # JSON can hold half a character, as "\ud800", which `encode` refuses.
        return {
            column: tuple(str(name).encode().decode() for name in feature["names"])
            for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        raise DlcvError(f'{file.name}: the metadata "huggingface" is damaged') from None


def _labels(file: ByteFile, column: "pa.ChunkedArray", names: Sequence[str]) -> "np.ndarray":
    """Returns a file's labels; refuses those that are missing or have no name."""
    import numpy as np

    if column.null_count:
        raise DlcvError(f"{file.name}: {column.null_count} rows have no label")
    values = column.to_numpy()
    if values.dtype.kind not in "iu":
        return np.asarray(values, str)
    labels = values.astype(np.int64)
    is_secret = len(labels) and bool((labels == -1).all())
    low, high = (labels.min(), labels.max()) if len(labels) else (0, 0)
    if not is_secret and (low < 0 or (names and high >= len(names))):
        raise DlcvError(
            f"{file.name}: labels go from {low} to {high}, and there are {len(names)} names"
            if names
            else f"{file.name}: labels go from {low}; they count from 0"
        )
    return labels


def _refuse_unlabelled(files: Sequence[ByteFile], labels: "Sequence[np.ndarray]") -> None:
    """Refuses files of -1 beside others with labels: it would index the last class."""
    filled = [(file, of) for file, of in zip(files, labels, strict=True) if len(of)]
    # `_labels` has -1 in all rows of a file, or in none.
    secret = [file for file, of in filled if of.dtype.kind == "i" and of[0] < 0]
    if 0 < len(secret) < len(filled):
        raise DlcvError(f"{secret[0].name} has no labels, others of the split do; move it away")
