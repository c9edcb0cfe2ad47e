"""What `dataset.toml` records of the files of a packed data set."""

import hashlib
from collections.abc import Mapping, Set
from typing import Any

from dlcv.errors import DlcvError, some
from dlcv.interfaces import DESCRIPTION

START = 131_072
"""Bytes at a file's start that have a checksum of their own: its labels, and its first images."""


def start_sha256(start: bytes) -> str:
    """Returns the checksum of a file's start, the first `START` bytes, which are fetched quickly.

    Args:
        start: These bytes, or all of a file that is shorter.
    """
    return hashlib.sha256(start[:START]).hexdigest()


def records_of(described: Mapping[str, Any], place: object) -> dict[str, dict[str, Any]]:
    """Returns the record of each file of images by its name; none where other tools wrote it.

    Args:
        described: What the description tells.
        place: The description's path or address, for errors.

    Raises:
        DlcvError: a record is damaged.
    """
    found = described.get("files")
    listed = found.items() if isinstance(found, dict) else ()
    records = {name: record for name, record in listed if name.endswith(".hdf5")}
    for name, record in records.items():
        if not isinstance(record, dict) or not isinstance(record.get("sha256"), str):
            raise DlcvError(
                f'{place}: the record of "{name}" has no sha256; '
                "pack the data set anew, or remove the record"
            )
    return records


def refuse_missing(records: Mapping[str, Any], names: Set[str], place: object) -> None:
    """Raises a `DlcvError` if a data set lacks files of images that are recorded.

    Without the check a split whose files are all missing would be taken from the training images.

    Args:
        records: The records by file name.
        names: The files of images that are there.
        place: Where they are, for errors.
    """
    missing = sorted(records.keys() - names)
    if missing:
        raise DlcvError(
            f"{place} lacks {some(missing)}, recorded in {DESCRIPTION}; copy what is missing "
            "there, or remove its records"
        )
