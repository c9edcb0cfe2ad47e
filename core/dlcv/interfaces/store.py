"""Dataset stores: labelled images by index."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, Self

from dlcv.errors import DlcvError
from dlcv.interfaces.base import Plugin, plugin
from dlcv.interfaces.preprocessor import Images, Shape

if TYPE_CHECKING:
    import numpy as np

UNSPLIT = "all"
"""The name of the only split of a data set that is not divided."""
SPLITS = ("train", "train_val", "val", "test")
"""The names of the splits of a divided data set, in the order of use.

`train_val` is like the training images, but neither trained on nor validated with.
"""
DESCRIPTION = "dataset.toml"
"""The file beside packed data that says what it is and records the checksum of each file."""


class LabelledImages(ABC):
    """The images of one split, with their labels.

    Attributes:
        labels: `(N,)` int64, indices into `label_names`.
        label_names: The classes' names.
        image_shape: `(H, W, C)` of every image; None for H and W where they are not known to agree.
        bit_depth: How samples of 16 bits became bytes, as the stores' option; further images that a
            run predicts are read so, too.
    """

    labels: "np.ndarray"
    label_names: tuple[str, ...]
    image_shape: Shape
    bit_depth: int | Literal["stretch"] = 16

    def __len__(self) -> int:
        """Returns the number of images."""
        return len(self.labels)

    def class_counts(self) -> dict[str, int]:
        """Returns the number of images by class, 0 where a class has none."""
        import numpy as np

        counts = np.bincount(self.labels, minlength=len(self.label_names))
        return dict(zip(self.label_names, counts.tolist(), strict=True))

    @abstractmethod
    def read(self, indices: "Sequence[int] | np.ndarray") -> Images:
        """Reads images; may be called from several threads at once.

        Returns:
            `(N, H, W, C)` uint8, or a list of `(H, W, C)` where sizes differ, in the order asked.

        Raises:
            ImageError: an image can't be read; the message names it, `index` is its position in
                `indices`.
        """

    @abstractmethod
    def sample_id(self, index: int) -> str:
        """Returns what names a sample to people: a path, or a row."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Returns a short text that changes when the samples do."""

    def earlier_fingerprints(self) -> tuple[str, ...]:
        """Returns the fingerprints that earlier versions recorded for these samples."""
        return ()

    def has_fingerprint(self, recorded: str) -> bool:
        """Returns whether a fingerprint is of these samples, in this form or an earlier one."""
        return recorded in self.earlier_fingerprints() or recorded == self.fingerprint()


class Writer(Protocol):
    """Writes the rows of one split."""

    def add(self, images: "np.ndarray", labels: "np.ndarray") -> None:
        """Appends `(N, H, W, C)` uint8 images and their `(N,)` integer labels."""


@plugin
class DatasetStore(Plugin, ABC):
    """A place that holds labelled images, in one or more splits."""

    kind: ClassVar[str] = "store"

    @abstractmethod
    def splits(self) -> tuple[str, ...]:
        """Returns the names of the splits: of `SPLITS`, or `all` if it is not divided."""

    @abstractmethod
    def open(self, split: str) -> LabelledImages:
        """Opens a split.

        Raises:
            DlcvError: there is no such split, or it can't be read.
        """

    @classmethod
    def recognise(cls, path: Path) -> Self | None:
        """Returns a store for `path` where the path alone tells that it holds one, else None.

        No image is decoded for it. A path that two stores recognize is refused, so be strict. The
        first line of its docstring, `Recognises` and a phrase, is shown to users whose path nobody
        recognizes.
        """
        return None

    @classmethod
    def recognise_address(cls, address: str) -> Self | None:
        """Returns a store for an address, such as `s3://bucket/folder`, else None.

        Nothing is read for it: the scheme tells.
        """
        return None

    def writer(
        self,
        split: str,
        *,
        rows: int,
        image_shape: tuple[int, int, int],
        label_names: Sequence[str],
    ) -> AbstractContextManager[Writer]:
        """Returns a context manager that writes a split; it is complete once the context ends well.

        Args:
            split: The split's name.
            rows: The number of rows that will be added.
            image_shape: `(H, W, C)` of every image.
            label_names: The classes' names.

        Raises:
            DlcvError: the store only reads, or the split exists already.
        """
        raise DlcvError(f"{type(self).__name__} is only read; write to another store")
