"""Images in a file of NumPy's."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from dlcv.errors import DlcvError
from dlcv.interfaces import UNSPLIT, DatasetStore, LabelledImages, option, plugin

if TYPE_CHECKING:
    import numpy as np


@plugin
class Npz(DatasetStore):
    """Reads `images`, `labels` and `label_names` from one `.npz` file."""

    path: Path = option(help="the file")

    def splits(self) -> tuple[str, ...]:
        """The file is not divided; `dlcv` divides it."""
        return (UNSPLIT,)

    def open(self, split: str) -> "NpzImages":
        """Opens all images."""
        if split != UNSPLIT:
            raise DlcvError(f'{self.path} has no split "{split}"; it is not divided')
        return NpzImages(self.path)

    @classmethod
    def recognise(cls, path: Path) -> Self | None:
        """Recognises a file that ends in .npz."""
        return cls(path=path) if path.suffix == ".npz" else None


class NpzImages(LabelledImages):
    """The images of one file."""

    def __init__(self, path: Path) -> None:
        import numpy as np

        with np.load(path, allow_pickle=False) as archive:
            self._pixels = archive["images"]
            self.labels = archive["labels"].astype(np.int64)
            self.label_names = tuple(map(str, archive["label_names"]))
        self.image_shape = self._pixels.shape[1:]
        self._path = path

    def read(self, indices: "Sequence[int] | np.ndarray") -> "np.ndarray":
        """Returns `(N, H, W, C)` uint8."""
        return self._pixels[indices]

    def sample_id(self, index: int) -> str:
        """Returns what names an image in messages."""
        return f"{self._path}[{index}]"

    def fingerprint(self) -> str:
        """Returns what changes with any image or label."""
        return hashlib.sha256(self._pixels.tobytes() + self.labels.tobytes()).hexdigest()
