"""Data sets in object storage: packed, Parquet files, or tar archives of samples."""

import tomllib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

from dlcv import images
from dlcv.errors import DlcvError
from dlcv.images import recorded_bit_depth
from dlcv.interfaces import DESCRIPTION, UNSPLIT, DatasetStore, LabelledImages, option, plugin
from dlcv_plugins.stores import hdf5_format, layout
from dlcv_plugins.stores.encoded import EncodedImages
from dlcv_plugins.stores.hdf5 import open_parts
from dlcv_plugins.stores.hdf5_records import START, records_of, refuse_missing, start_sha256
from dlcv_plugins.stores.hdf5_rows import READERS
from dlcv_plugins.stores.parquet import labelled_tables
from dlcv_plugins.stores.parquet_tables import TableImages, label_names
from dlcv_plugins.stores.remote_files import RemoteFile, Storage
from dlcv_plugins.stores.shards import divide
from dlcv_plugins.stores.webdataset import open_archives

SCHEMES = ("s3", "gs", "gcs", "az", "abfs", "abfss", "memory")
"""What addresses begin with that are read."""
ENDINGS = (".hdf5", ".parquet", ".tar")


@plugin
class Remote(DatasetStore):
    """Reads data sets in object storage, such as `s3://bucket/packed`, with a cache on disk.

    The address is that of a folder that `dlcv data build` wrote, or of Parquet files or tar
    archives, as the stores `parquet` and `webdataset` read them, or of one such file. Credentials
    are those of the storage's own programs, as in the environment variables of AWS.
    """

    address: str = option(help="the folder or file, such as s3://bucket/packed")
    cache_gigabytes: float = option(
        10.0, help="room for what was read, in the user's cache folder, of all addresses", ge=0
    )
    label: str = option(
        "", help="the column of Parquet files, or the part of samples, that holds labels"
    )
    color_mode: images.ColorMode = option("rgb", help="rgb or grayscale, of image files")

    def splits(self) -> tuple[str, ...]:
        """The splits that have files.

        Raises:
            DlcvError: the address can't be read, or holds no data set.
        """
        ending, files, _ = self._listed()
        if ending == ".parquet":
            return tuple(self._tables(files, logs=False))
        return tuple(files)

    def open(self, split: str) -> LabelledImages:
        """Opens a split; of a packed one, lengths and starts of files are compared with records."""
        ending, files, described = self._listed()
        layout.check_split(split, files, self.address)
        if ending == ".hdf5":
            return self._packed(files[split], described)
        if ending == ".parquet":
            tables = self._tables(files, logs=True)
            layout.check_split(split, tables, self.address)
            opened: Any = TableImages(
                tables[split],
                label_names(tables.values()),
                color_mode=self.color_mode,
                bit_depth=images.ALL_BITS,
            )
        else:
            opened = open_archives(
                files,
                split,
                self.address,
                label=self.label,
                label_names=None,
                color_mode=self.color_mode,
                bit_depth=images.ALL_BITS,
            )
        opened.readers = READERS
        return opened

    @classmethod
    def recognise_address(cls, address: str) -> Self | None:
        """Recognises an address of object storage by its scheme."""
        return cls(address=address) if address.partition("://")[0] in SCHEMES else None

    def _listed(self) -> tuple[str, dict[str, list[RemoteFile]], dict[str, Any]]:
        """Returns the files' ending, the files of each split, and what a packed set tells of them.

        Raises:
            DlcvError: there are none, or of several kinds, or some are missing.
        """
        # fsspec knows further schemes, which read other files, and chains of several by "::".
        if self.address.partition("://")[0] not in SCHEMES or "::" in self.address:
            known = ", ".join(f"{scheme}://" for scheme in SCHEMES)
            raise DlcvError(f"{self.address} is no address that is read; they begin with {known}")
        storage = Storage(self.address, int(self.cache_gigabytes * 1e9))
        found = storage.files()
        endings = [e for e in ENDINGS if any(name.lower().endswith(e) for name in found)]
        if len(endings) != 1:
            problem = f"{' and '.join(endings)} files" if endings else "no data set"
            raise DlcvError(
                f"{self.address} holds {problem}; name a folder of files that end in one of "
                f"{', '.join(ENDINGS)}"
            )
        names = sorted(name for name in found if name.lower().endswith(endings[0]))
        described: dict[str, Any] = {}
        if self.address.lower().endswith(endings[0]):
            by_split = {UNSPLIT: names}
        else:
            by_split = divide(names, self.address, endings[0])
            described = _described(found.get(DESCRIPTION)) if endings[0] == ".hdf5" else {}
            refuse_missing(self._records(described), {_last(name) for name in names}, self.address)
        files = {split: [found[name] for name in of] for split, of in by_split.items()}
        return endings[0], files, described

    def _records(self, described: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        return records_of(described, f"{self.address}/{DESCRIPTION}")

    def _tables(self, files: Mapping[str, Sequence[RemoteFile]], *, logs: bool) -> Any:
        return labelled_tables(files, "", self.label, self.address, logs=logs)

    def _packed(self, files: Sequence[RemoteFile], described: Mapping[str, Any]) -> LabelledImages:
        records = self._records(described)
        with ThreadPoolExecutor(READERS) as executor:
            list(executor.map(lambda file: _check(file, records.get(_last(file.name), {})), files))
        parts = [hdf5_format.read(file) for file in files]
        opened = open_parts(
            [file.name for file in files], parts, bit_depth=recorded_bit_depth(described)
        )
        if isinstance(opened, EncodedImages):
            opened.readers = READERS
        return opened


def _described(description: RemoteFile | None) -> dict[str, Any]:
    """Returns what a packed set's description tells; nothing where there is none."""
    if description is None:
        return {}
    try:
        return tomllib.loads(description.read().decode())
    except (ValueError, RecursionError) as error:
        raise DlcvError(f"{description.name} is damaged: {error}") from None


def _check(file: RemoteFile, record: Mapping[str, Any]) -> None:
    """Refuses a file of another length than was recorded, or that begins otherwise."""
    if record.get("bytes", file.size) != file.size:
        raise DlcvError(
            f"{file.name} is damaged or of another data set: it has {file.size} bytes, not the "
            f"{record['bytes']} that were recorded; upload it again"
        )
    recorded = record.get("start_sha256")
    if recorded is not None and recorded != start_sha256(file.read_at(0, START)):
        raise DlcvError(
            f"{file.name} is damaged or of another data set: it does not begin as was recorded; "
            "upload it again"
        )


def _last(name: str) -> str:
    """Returns a file's name without folders."""
    return name.rpartition("/")[2]
