"""The content of a zip archive, read without unpacking it, and with suspicion.

The places are those of PKWARE's "APPNOTE.TXT, .ZIP File Format Specification". Python's `zipfile`
reads the directory; contents are read here, as its count of open entries is not kept in step by
several threads.
"""

import functools
import struct
import zipfile
import zlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from dlcv import files
from dlcv.errors import DlcvError, ImageError
from dlcv_plugins.stores.byte_files import LocalFile
from dlcv_plugins.stores.encoded import largest_content

if TYPE_CHECKING:
    import numpy as np

HEADER = struct.Struct("<4s22xHH")
"""What goes before a content: a signature, and the lengths of a name and of extra fields."""
SIGNATURE = b"PK\3\4"
ENCRYPTED = 0x1
LARGEST_NUMBER = 2**63 - 1
"""Of an int64; a directory may state numbers of 64 bits without sign."""


@attrs.frozen(eq=False)
class Archive:
    """The directory of an archive; folders are left out.

    Attributes:
        file: The archive.
        names: The entries' names, with `/` between folders.
        places: `(N, 5)` int64: where an entry's header is, how many bytes it has compressed and
            not, its CRC-32, and whether it is compressed.
    """

    file: LocalFile
    names: tuple[str, ...]
    places: "np.ndarray"

    def content(self, index: int) -> bytes:
        """Returns an entry's bytes, no more than the directory states.

        Raises:
            ImageError: they are damaged, or more than an image of the allowed size has.
        """
        start, compressed, size, crc, is_deflated = self.places[index].tolist()
        if size > (limit := largest_content()):
            raise ImageError(f"has {size:,} bytes unpacked; at most {limit:,} are read")
        if compressed > limit:
            raise ImageError(f"has {compressed:,} bytes; at most {limit:,} are read")
        header = self.file.read_at(start, HEADER.size)
        if len(header) < HEADER.size or not header.startswith(SIGNATURE):
            raise ImageError("is not where the archive's directory states; the archive is damaged")
        _, name_length, extra_length = HEADER.unpack(header)
        content = self.file.read_at(start + HEADER.size + name_length + extra_length, compressed)
        if is_deflated:
            try:
                content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, size + 1)
            except zlib.error as error:
                raise ImageError(f"can't be unpacked; the archive is damaged ({error})") from None
        if len(content) != size or zlib.crc32(content) != crc:
            raise ImageError("is not what was packed; the archive is damaged, copy it again")
        return content


def open_archive(path: Path) -> Archive:
    """Reads an archive's directory, once while the file does not change.

    Raises:
        DlcvError: it is no zip archive, damaged, encrypted, or made to deceive.
    """
    file = LocalFile(path)
    return _open(path, file.identity)


@functools.lru_cache(maxsize=2)
def _open(path: Path, identity: str) -> Archive:
    import numpy as np

    try:
        with zipfile.ZipFile(path) as opened:
            entries = [entry for entry in opened.infolist() if not entry.is_dir()]
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        problem = f"is no zip archive, or cut off ({error}); copy or download it again"
        raise files.unreadable(path, error, problem) from None
    names = tuple(_checked_name(path, entry) for entry in entries)
    if len(set(names)) < len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise DlcvError(f"{path} holds {twice} twice; pack the archive anew")
    file = LocalFile(path)
    for entry in entries:
        _check_place(file, entry)
    places = [
        (e.header_offset, e.compress_size, e.file_size, e.CRC, e.compress_type != 0)
        for e in entries
    ]
    table = np.array(places, np.int64).reshape(-1, 5)
    _refuse_overlap(path, table)
    return Archive(file, names, table)


def _checked_name(path: Path, entry: zipfile.ZipInfo) -> str:
    """Returns an entry's name; refuses what can't be read, or leads out of the archive."""
    name = entry.filename
    if entry.create_system == 0 and "/" not in name:
        name = name.replace("\\", "/")  # Some programs of Windows write names as Windows does.
    if name.startswith("/") or ".." in name.split("/"):
        raise DlcvError(f"{path}: the name {name!r} leads out of the archive; pack it anew")
    if entry.flag_bits & ENCRYPTED:
        raise DlcvError(f"{path}: {name} is encrypted; unpack the archive and name the folder")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        others = {zipfile.ZIP_BZIP2: "bzip2", zipfile.ZIP_LZMA: "lzma"}
        method = others.get(entry.compress_type, f"method {entry.compress_type}")
        raise DlcvError(
            f"{path}: {name} is compressed by {method}, and only deflate is read; unpack the "
            "archive and name the folder"
        )
    return name


def _check_place(file: LocalFile, entry: zipfile.ZipInfo) -> None:
    """Refuses an entry that lies beyond the archive, or is longer than any file."""
    end = entry.header_offset + HEADER.size + entry.compress_size
    if entry.header_offset < 0 or end > file.size or entry.file_size > LARGEST_NUMBER:
        raise DlcvError(
            f"{file.name}: {entry.filename} is not where the archive's directory states; the "
            "archive is damaged or cut off, copy or download it again"
        )


def _refuse_overlap(path: Path, places: "np.ndarray") -> None:
    """Refuses entries that share bytes, by which a small archive unpacks to a huge one."""
    import numpy as np

    order = np.argsort(places[:, 0], kind="stable")
    starts, lengths = places[order, 0], places[order, 1]
    if (starts[:-1] + HEADER.size + lengths[:-1] > starts[1:]).any():
        raise DlcvError(f"{path}: entries of the archive overlap, as in zip bombs; it is refused")
