"""Image files kept as they are in an HDF5 file: one after the other, with their ends beside."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import attrs

from dlcv import images
from dlcv.errors import DlcvError, ImageError
from dlcv_plugins import hdf5
from dlcv_plugins.stores.byte_files import ByteFile, LocalFile
from dlcv_plugins.stores.encoded import EncodedImages, largest_content

if TYPE_CHECKING:
    import h5py
    import numpy as np

CONTENTS, ENDS, CHANNELS = "contents", "ends", "channels"
"""The data sets: `(bytes,)` uint8, `(N,)` int64, and one number, 3 or 1."""
EXPECTED = "contents, ends, channels, labels, label_names"


@attrs.frozen(eq=False)
class Contents:
    """Where image files lie in a file.

    Attributes:
        file: The file.
        starts: `(N,)` int64: the place of each in bytes.
        sizes: `(N,)` int64: the length of each in bytes.
        channels: 3 for color, 1 for grey: what they are decoded to.
    """

    file: ByteFile
    starts: "np.ndarray"
    sizes: "np.ndarray"
    channels: int

    @property
    def shape(self) -> tuple[int]:
        """The number of images alone: they may have any size."""
        return (len(self.sizes),)


class ContentWriter:
    """Writes one file's contents and, at the end, their description."""

    def __init__(self, file: BinaryIO, channels: int, label_names: Sequence[str]) -> None:
        import numpy as np

        self._channels = np.array([channels], np.int64)
        self._names = label_names
        self._sizes: list[int] = []
        self._labels: list[int] = []
        self._written = 0
        none = np.zeros(1, np.int64)
        columns: dict[str, hdf5.Column] = {
            ENDS: none, CHANNELS: none, "labels": none, "label_names": label_names,
        }  # fmt: skip
        least = (hdf5.ALIGNMENT_BYTES,)
        self._writer = hdf5.RowWriter(file, CONTENTS, least, np.dtype("u1"), columns)

    def add(self, contents: Sequence[bytes], labels: "np.ndarray") -> None:
        """Appends the files of images, and their labels."""
        import numpy as np

        together = np.frombuffer(b"".join(contents), np.uint8)
        self._writer.write(self._written, together)
        self._written += len(together)
        self._sizes += map(len, contents)
        self._labels += labels.tolist()

    def finish(self) -> str | None:
        """Writes the description around the contents, and returns the file's sha256 if known."""
        import numpy as np

        columns: dict[str, hdf5.Column] = {
            ENDS: np.cumsum(self._sizes, dtype=np.int64),
            CHANNELS: self._channels,
            "labels": np.array(self._labels, np.int64),
            "label_names": self._names,
        }
        # What is smaller is not aligned, and would begin elsewhere.
        return self._writer.finish(columns, max(self._written, hdf5.ALIGNMENT_BYTES))


def open_contents(file: "h5py.File", place: Path | ByteFile) -> Contents:
    """Returns where the image files lie in an open HDF5 file.

    Args:
        file: The file, open.
        place: The same, on a disk or far away.

    Raises:
        DlcvError: it is damaged, or shorter than its contents.
    """
    import numpy as np

    source = LocalFile(place) if isinstance(place, Path) else place
    path = source.name
    contents, ends, channels = (
        hdf5.plain_dataset(file, path, name, EXPECTED) for name in (CONTENTS, ENDS, CHANNELS)
    )
    offset = contents.id.get_offset()
    fits = contents.dtype == "uint8" and contents.ndim == 1 and offset is not None
    if not fits or ends.dtype.kind != "i" or ends.ndim != 1 or channels.shape != (1,):
        raise DlcvError(f"{path}: {EXPECTED} are not of the form that dlcv writes")
    if offset + contents.size > source.size:
        raise DlcvError(f"{path} is cut off: its {len(ends)} images do not fit into it")
    stops = ends[()].astype(np.int64)
    sizes = np.diff(stops, prepend=0)
    if (sizes < 0).any() or (len(stops) and stops[-1] > contents.size):
        raise DlcvError(f"{path}: the ends of its images are damaged")
    if int(channels[0]) not in (1, 3):
        raise DlcvError(f"{path}: its images have {int(channels[0])} channels, not 1 or 3")
    return Contents(source, stops - sizes + offset, sizes, int(channels[0]))


class ContentImages(EncodedImages):
    """The image files of a split, in one file or several."""

    def __init__(
        self, parts: Sequence[Contents], labels: "np.ndarray", label_names: Sequence[str]
    ) -> None:
        """Takes the parts in order.

        Raises:
            DlcvError: they differ in their channels.
        """
        import numpy as np

        if len({part.channels for part in parts}) > 1:
            raise DlcvError(f"{parts[0].file.name} and the files after it differ in channels")
        mode: images.ColorMode = "rgb" if parts[0].channels == 3 else "grayscale"
        super().__init__(labels, label_names, color_mode=mode)
        self._files = [part.file for part in parts]
        self._firsts = np.cumsum([0, *(len(part.sizes) for part in parts)])
        self._starts = np.concatenate([part.starts for part in parts])
        self._sizes = np.concatenate([part.sizes for part in parts])

    def content(self, index: int) -> bytes:
        """Returns the bytes of an image's file."""
        size = int(self._sizes[index])
        if size > (limit := largest_content()):
            raise ImageError(f"has {size:,} bytes; at most {limit:,} are read")
        content = self._file(index).read_at(int(self._starts[index]), size)
        if len(content) < size:
            raise ImageError("was cut off while it was in use; pack it anew")
        return content

    def sample_id(self, index: int) -> str:
        """Returns the file and the row."""
        return f"{self._file(index).name}[{index - int(self._firsts[self._part(index)])}]"

    def identity(self) -> bytes:
        """Returns the lengths of the images' files."""
        return self._sizes.astype("<i8").tobytes()

    def _part(self, index: int) -> int:
        return int(self._firsts.searchsorted(index, "right")) - 1

    def _file(self, index: int) -> ByteFile:
        return self._files[self._part(index)]
