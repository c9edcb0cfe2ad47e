"""Groups of rows of Parquet files: read one at a time, and kept as far as there is room."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dlcv.errors import DlcvError
from dlcv_plugins.stores.byte_files import ByteFile, Readable

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import parquet

LARGEST_GROUP_BYTES = 1_000_000_000
KEPT_BYTES = 256_000_000
"""Row groups that stay in memory, in all."""


@contextmanager
def opened(
    file: ByteFile, metadata: "parquet.FileMetaData | None" = None
) -> "Iterator[parquet.ParquetFile]":
    """Opens a file for one thread.

    Args:
        file: The file.
        metadata: Its footer, where it was read before.

    Raises:
        DlcvError: pyarrow is not installed, or the file can't be read; also within the block.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise DlcvError(f"reading {file.name} needs pyarrow: pip install 'dlcv[parquet]'") from None
    try:
        with parquet.ParquetFile(
            Readable(file), metadata=metadata, page_checksum_verification=True
        ) as source:
            yield source
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise DlcvError(
            f"{file.name} can't be read as Parquet; it is damaged or cut off ({reason})"
        ) from None


def column(file: ByteFile, metadata: "parquet.FileMetaData", number: int, path: str) -> "pa.Array":
    """Returns the values of a column of bytes in a row group; may be called by several threads.

    Args:
        file: The file.
        metadata: Its footer.
        number: The row group.
        path: The column, as `image.bytes`.

    Raises:
        DlcvError: the group can't be read, or takes more than `LARGEST_GROUP_BYTES`.
    """
    key = (file.identity, number, path)
    if (kept := _kept.get(key)) is not None:
        return kept
    size = chunk(metadata, number, path).total_uncompressed_size
    if size > LARGEST_GROUP_BYTES:
        raise DlcvError(
            f"{file.name}: a group of rows takes {size / 1e9:,.1f} GB, and at most "
            f"{LARGEST_GROUP_BYTES / 1e9:.0f} GB are read at once; write it anew with "
            "row_group_size=100"
        )
    with opened(file, metadata) as source:
        values = source.read_row_group(number, [path], use_threads=False).column(0)
    whole = values.combine_chunks()
    found = whole.field(0) if path.endswith(".bytes") else whole
    _kept.keep(key, found)
    return found


def chunk(metadata: "parquet.FileMetaData", group: int, path: str) -> Any:
    """Returns what the footer tells of a column in a row group."""
    row_group = metadata.row_group(group)
    columns = map(row_group.column, range(row_group.num_columns))
    return next(column for column in columns if column.path_in_schema == path)


class _KeptGroups:
    """Row groups that were read last, as far as they fit into `KEPT_BYTES`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: OrderedDict[tuple[str, int, str], pa.Array] = OrderedDict()
        self._size = 0

    def get(self, key: tuple[str, int, str]) -> "pa.Array | None":
        with self._lock:
            if key in self._groups:
                self._groups.move_to_end(key)
            return self._groups.get(key)

    def keep(self, key: tuple[str, int, str], group: "pa.Array") -> None:
        with self._lock:
            if key in self._groups or group.nbytes > KEPT_BYTES:
                return
            self._groups[key] = group
            self._size += group.nbytes
            while self._size > KEPT_BYTES:
                self._size -= self._groups.popitem(last=False)[1].nbytes


_kept = _KeptGroups()
