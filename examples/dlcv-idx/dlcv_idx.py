"""The files of MNIST, Fashion-MNIST, EMNIST, Kuzushiji-MNIST and other data sets in its format."""

import functools
import gzip
import hashlib
import math
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from dlcv.errors import DlcvError
from dlcv.interfaces import DatasetStore, LabelledImages, option, plugin

if TYPE_CHECKING:
    import numpy as np

PREFIXES = {"train": "train", "test": "t10k"}
"""How the names of each split's files begin."""
BYTES = 8
"""The type of what a file holds, by its third byte: unsigned bytes."""


@plugin
class Idx(DatasetStore):
    """Reads a folder with four IDX files, such as MNIST's, gzipped or not.

    They are `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, and two that begin with `t10k`.
    """

    path: Path = option(help="the folder")
    classes: tuple[str, ...] = option((), help="the classes' names in order; numbers if left out")

    def splits(self) -> tuple[str, ...]:
        """Returns the splits whose images are there."""
        return tuple(s for s, prefix in PREFIXES.items() if _find(self.path, f"{prefix}-images"))

    def open(self, split: str) -> "IdxImages":
        """Opens a split; raises `DlcvError` if a file of it is missing or damaged."""
        if split not in self.splits():
            raise DlcvError(f'{self.path} has no split "{split}"')
        return IdxImages(self.path, PREFIXES[split], self.classes)

    @classmethod
    def recognise(cls, path: Path) -> Self | None:
        """Recognises a folder with the files of MNIST."""
        return cls(path=path) if path.is_dir() and _find(path, "train-images-idx3") else None


class IdxImages(LabelledImages):
    """The images of one split, which are all read at once: MNIST has 47 MB."""

    def __init__(self, folder: Path, prefix: str, classes: tuple[str, ...]) -> None:
        import numpy as np

        self._path = _find(folder, f"{prefix}-images") or folder
        labels = _find(folder, f"{prefix}-labels")
        if labels is None:
            raise DlcvError(f"{folder} has no labels for {self._path.name}; add {prefix}-labels")
        pixels = _read(self._path)
        self._pixels = pixels[..., np.newaxis] if pixels.ndim == 3 else pixels
        self.labels = _read(labels).astype(np.int64)
        if self.labels.shape != self._pixels.shape[:1]:
            counts = f"{len(self._pixels)} images and {len(self.labels)} labels"
            raise DlcvError(f"{folder} has {counts}; download the files again")
        largest = int(self.labels.max(initial=0))
        self.label_names = classes or tuple(map(str, range(largest + 1)))
        if largest >= len(self.label_names):
            raise DlcvError(f"idx: classes has {len(classes)} names, and labels up to {largest}")
        self.image_shape = self._pixels.shape[1:]

    def read(self, indices: "Sequence[int] | np.ndarray") -> "np.ndarray":
        """Returns `(N, H, W, 1)` uint8."""
        import numpy as np

        chosen = np.asarray(indices, dtype=np.int64)
        if chosen.size and not 0 <= chosen.min() <= chosen.max() < len(self):
            raise IndexError(f"there are {len(self)} images")
        return self._pixels[chosen]

    def sample_id(self, index: int) -> str:
        """Returns what names an image in messages."""
        return f"{self._path}[{index}]"

    @functools.cached_property
    def _digest(self) -> str:
        return hashlib.sha256(self._pixels.tobytes() + self.labels.tobytes()).hexdigest()

    def fingerprint(self) -> str:
        """Returns what changes with any image or label."""
        return self._digest


def _find(folder: Path, start: str) -> Path | None:
    """Returns the file of a folder that begins so, as it was downloaded or unpacked."""
    return next(iter(sorted(folder.glob(f"{start}*ubyte*"))), None)


def _read(path: Path) -> "np.ndarray":
    """Reads one file; see http://yann.lecun.com/exdb/mnist for the format."""
    import numpy as np

    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        zero, kind, dimensions = struct.unpack_from(">HBB", content)
        shape = struct.unpack_from(f">{dimensions}I", content, 4)
    except (OSError, EOFError, struct.error) as error:
        raise DlcvError(f"{path} can't be read: {error}; download it again") from None
    start = 4 + 4 * dimensions
    if zero or kind != BYTES or len(content) - start != math.prod(shape):
        raise DlcvError(f"{path} is no IDX file of bytes, or is cut off; download it again")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
