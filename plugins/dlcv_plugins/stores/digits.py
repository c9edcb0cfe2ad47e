"""Scikit-learn's handwritten digits."""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dlcv import images
from dlcv.errors import DlcvError
from dlcv.interfaces import UNSPLIT, DatasetStore, Images, LabelledImages, option, plugin

if TYPE_CHECKING:
    import numpy as np


@plugin
class Digits(DatasetStore):
    """Holds 1,797 grey images of handwritten digits, 8 x 8 pixels, that come with scikit-learn."""

    size: int = option(8, help="height and width in pixels; above 8 they are enlarged", ge=8)

    def splits(self) -> tuple[str, ...]:
        """The set is not divided."""
        return (UNSPLIT,)

    def open(self, split: str) -> LabelledImages:
        """Returns all digits."""
        if split != UNSPLIT:
            raise DlcvError(f'digits has no split "{split}"; it is not divided')
        return _DigitImages(self.size)


class _DigitImages(LabelledImages):
    def __init__(self, size: int) -> None:
        import numpy as np
        from sklearn.datasets import load_digits

        digits = load_digits()
        # The values are counts from 0 to 16.
        pixels = np.round(digits.images * (255 / 16)).astype(np.uint8)[..., np.newaxis]
        self._pixels = np.stack([images.resize(p, (size, size), "linear") for p in pixels])
        self.labels = digits.target.astype(np.int64)
        self.label_names = tuple(str(name) for name in digits.target_names)
        self.image_shape = (size, size, 1)

    def read(self, indices: "Sequence[int] | np.ndarray") -> Images:
        """Returns images by index."""
        return self._pixels[indices]

    def sample_id(self, index: int) -> str:
        """Returns the row in scikit-learn's set."""
        return f"digits[{index}]"

    def fingerprint(self) -> str:
        """Returns a hash of the pixels and labels."""
        return hashlib.sha256(self._pixels.tobytes() + self.labels.tobytes()).hexdigest()
