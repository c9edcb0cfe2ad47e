"""Where the samples of a tar archive lie, found once: archives have no directory."""

import json
import tarfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dlcv import images
from dlcv.errors import DlcvError, is_utf8
from dlcv_plugins import user_cache
from dlcv_plugins.stores import remote_files
from dlcv_plugins.stores.byte_files import ByteFile, LastBlock, LocalFile, Readable

if TYPE_CHECKING:
    import numpy as np

LABELS = ("cls", "json.label", "json.cls", "json.class", "txt")
"""Where labels are looked for, in this order."""
LARGEST_LABEL = 1_000_000
"""Bytes of a file that holds a label."""
MOST_DIGITS = 640
"""Of a label that is a number; Python converts as many, however its limit is set."""
LARGEST_HEADER = 10_000_000
"""Bytes of a tar archive's header of a file, with its extensions."""
MOST_KEPT = 10_000
"""Indices in the user's cache."""
BLOCK = 512
"""Bytes of a tar archive's blocks; one of zeros ends it."""
GZIP = b"\x1f\x8b"


def index_of(file: ByteFile, label: str = "") -> "dict[str, np.ndarray]":
    """Returns where an archive's images lie, and their labels.

    What takes long is kept in the user's cache, until the archive changes.

    Args:
        file: The archive.
        label: What holds a sample's label, as `cls`, or `json.label` for a key of a JSON file;
            empty for the first of `LABELS` that there is.

    Returns:
        `names` of the images as UTF-8, `offsets` and `sizes` in bytes as int64, and `labels` as
        UTF-8; a label that is a number is written as such.

    Raises:
        DlcvError: the archive is damaged or cut off, or a sample lacks an image or a label.
    """
    key = f"1 {file.identity} {label}"
    return user_cache.kept("tar", key, lambda: _index(file, label), most=MOST_KEPT)


def _index(file: ByteFile, label: str) -> "dict[str, np.ndarray]":
    import numpy as np

    if not isinstance(file, LocalFile):
        file = LastBlock(file, remote_files.BLOCK)
    samples = _samples(file)
    found = label or next((w for w in LABELS if _has_label(file, samples, w)), "")
    if not found:
        first = next(iter(samples))
        raise DlcvError(
            f"{file.name}: {first} has no label ({', '.join(samples[first])}); labels are in "
            "files .cls, .txt or .json beside the images, and label=json.KEY names a key"
        )
    rows = [(*_image(file, key, of), _label(file, key, of, found)) for key, of in samples.items()]
    names, offsets, sizes, labels = zip(*rows, strict=True)
    return {
        "names": np.array([name.encode(errors="surrogateescape") for name in names]),
        "offsets": np.array(offsets, np.int64),
        "sizes": np.array(sizes, np.int64),
        "labels": np.array([text.encode() for text in labels]),
    }


Sample = dict[str, tuple[int, int]]
"""Where the files of a sample lie and how many bytes they have, by their ending."""


def _samples(file: ByteFile) -> dict[str, Sample]:
    """Returns an archive's samples by key: what goes before the first dot of a file's name."""
    samples: dict[str, Sample] = {}
    if file.read_at(0, 2) == GZIP:
        raise DlcvError(f"{file.name} is compressed, so that no image can be read alone; gunzip it")
    try:
        with tarfile.open(fileobj=_Headers(file), mode="r:") as archive:
            while (member := archive.next()) is not None:
                archive.members = []  # type: ignore[attr-defined]  # They would fill the memory.
                rest = file.size - member.offset_data
                if member.size < 0 or (member.isreg() and member.size > rest):
                    # After a negative length the same headers would be read again, forever.
                    raise ValueError(f"{member.name} has {member.size:,} bytes")
                if member.isreg():
                    _add(file, samples, member)
            end = archive.offset
    except (tarfile.TarError, OSError, ValueError, RecursionError) as error:
        raise DlcvError(f"{file.name} is no tar archive, or damaged or cut off ({error})") from None
    if len(file.read_at(end, BLOCK)) < BLOCK:
        raise DlcvError(f"{file.name} is cut off: it lacks its end; copy or download it again")
    if not samples:
        raise DlcvError(f"{file.name} holds no files")
    return samples


class _Headers(Readable):
    """An archive of which only headers are read, and so no more than they may have."""

    def read(self, size: int | None = -1) -> bytes:
        """Returns the next bytes; refuses to read more than a header has."""
        length = -1 if size is None else size
        if not 0 <= length <= LARGEST_HEADER:
            raise ValueError(f"a header has {length:,} bytes")
        return super().read(length)


def _add(file: ByteFile, samples: dict[str, Sample], member: tarfile.TarInfo) -> None:
    folder, slash, last = member.name.rpartition("/")
    stem, _, ending = last.partition(".")
    if not stem:
        return  # Hidden files, as systems leave them behind.
    sample = samples.setdefault(f"{folder}{slash}{stem}", {})
    if ending.lower() in sample:
        raise DlcvError(f"{file.name} holds {member.name} twice; write it anew")
    sample[ending.lower()] = (member.offset_data, member.size)


def _image(file: ByteFile, key: str, sample: Sample) -> tuple[str, int, int]:
    endings = [ending for ending in sample if f".{ending}" in images.EXTENSIONS]
    if len(endings) != 1:
        held = ", ".join(sample)
        problem = "has several images" if endings else "has no image"
        raise DlcvError(f"{file.name}: {key} {problem} ({held}); each key needs one")
    return (f"{key}.{endings[0]}", *sample[endings[0]])


def _has_label(file: ByteFile, samples: dict[str, Sample], where: str) -> bool:
    key, sample = next(iter(samples.items()))
    ending, _, name = where.partition(".")
    if ending not in sample:
        return False
    if not name:
        return True
    parsed = _parsed(file, key, sample[ending])
    return isinstance(parsed, dict) and name in parsed


def _label(file: ByteFile, key: str, sample: Sample, where: str) -> str:
    """Returns a sample's label as a text; a number as it is written."""
    ending, _, name = where.partition(".")
    if ending not in sample:
        raise DlcvError(f"{file.name}: {key} has no label, as .{ending} is missing")
    if ending != "json":
        text = _text(file, key, sample[ending]).strip()
    else:
        value = _parsed(file, key, sample[ending])
        for part in name.split(".") if name else ():
            value = value.get(part) if isinstance(value, dict) else None
        text = str(value).strip() if isinstance(value, str | int) else ""
    if not text:
        raise DlcvError(f"{file.name}: {key} has no label in .{where}")
    if not is_utf8(text):
        # JSON can hold half a character, as "\ud800".
        raise DlcvError(f"{file.name}: the label of {key} is not UTF-8")
    if not (text.isascii() and text.isdigit()):
        return text
    if len(text) > MOST_DIGITS:
        raise DlcvError(
            f"{file.name}: the label of {key} has {len(text):,} digits; at most {MOST_DIGITS} are "
            "read"
        )
    return str(int(text))


def _parsed(file: ByteFile, key: str, place: tuple[int, int]) -> Any:
    try:
        return json.loads(_text(file, key, place))
    except (ValueError, RecursionError):
        raise DlcvError(f"{file.name}: {key}.json is no JSON") from None


def _text(file: ByteFile, key: str, place: tuple[int, int]) -> str:
    offset, size = place
    if size > LARGEST_LABEL:
        raise DlcvError(f"{file.name}: the label of {key} has {size:,} bytes")
    try:
        return file.read_at(offset, size).decode()
    except UnicodeDecodeError:
        raise DlcvError(f"{file.name}: the label of {key} is not UTF-8") from None


def numbered(labels: "Sequence[np.ndarray]") -> bool:
    """Returns whether all labels are whole numbers from 0."""
    return all(bool(text) and text.isdigit() for part in labels for text in set(part.tolist()))
