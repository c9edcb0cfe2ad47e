"""The image sets that Keras loads: MNIST, Fashion-MNIST, CIFAR-10 and CIFAR-100."""

import hashlib
import os
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from dlcv.errors import DlcvError
from dlcv.interfaces import DatasetStore, Images, LabelledImages, option, plugin
from dlcv_plugins.stores import layout
from dlcv_plugins.stores.keras_labels import LABEL_NAMES
from dlcv_plugins.stores.keras_process import load

if TYPE_CHECKING:
    import numpy as np

SPLITS = ("train", "test")
GOOGLE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
TORONTO = "https://www.cs.toronto.edu/~kriz/"
SOURCES = {
    "mnist": {"mnist.npz": GOOGLE + "mnist.npz"},
    "fashion_mnist": {
        f"fashion-mnist/{name}": GOOGLE + name
        for name in (
            "train-labels-idx1-ubyte.gz",
            "train-images-idx3-ubyte.gz",
            "t10k-labels-idx1-ubyte.gz",
            "t10k-images-idx3-ubyte.gz",
        )
    },
    "cifar10": {"cifar-10-batches-py-target_archive": TORONTO + "cifar-10-python.tar.gz"},
    "cifar100": {"cifar-100-python-target_archive": TORONTO + "cifar-100-python.tar.gz"},
}
"""The files that Keras looks for in its cache, and where it fetches them, by data set."""


@plugin
class Keras(DatasetStore):
    """Reads a data set that Keras knows, from Keras's cache, which it fills when it is first used.

    Keras's own loaders read them, which check the files: CIFAR's are pickles, which are read only
    if their archive has the checksum that Keras knows, and then by a reader that makes nothing but
    arrays of them.
    """

    name: Literal["mnist", "fashion_mnist", "cifar10", "cifar100"] = option(help="which data set")
    labels: Literal["fine", "coarse"] = option(
        "fine", help="of cifar100: the 100 classes, or their 20 groups"
    )

    def splits(self) -> tuple[str, ...]:
        """All are divided into train and test."""
        return SPLITS

    def open(self, split: str) -> LabelledImages:
        """Loads a split.

        Raises:
            DlcvError: it is not in Keras's cache and can't be downloaded, or is damaged there.
        """
        layout.check_split(split, SPLITS, self.name)
        if self.labels == "coarse" and self.name != "cifar100":
            raise DlcvError(f"{self.name} has no coarse labels; only cifar100 has")
        try:
            pixels, labels = load(self.name, self.labels, SPLITS.index(split))
        except DlcvError as error:
            raise DlcvError(self._absent(error)) from None
        names = LABEL_NAMES["cifar100_coarse" if self.labels == "coarse" else self.name]
        if len(labels) != len(pixels) or labels.max(initial=0) >= len(names):
            raise DlcvError(
                f"{self.name} is damaged in Keras's cache ({self._folder()}): its labels do not "
                "belong to its images; remove its files there"
            )
        return _KerasImages(f"{self.name} {split}", pixels, labels, names)

    def _folder(self) -> str:
        """Returns the folder in which Keras looks for the files."""
        return os.path.dirname(os.path.join(_cache(), next(iter(SOURCES[self.name]))))

    def _absent(self, error: DlcvError) -> str:
        """Returns what to do about a data set that can't be loaded."""
        files = [(os.path.basename(file), url) for file, url in SOURCES[self.name].items()]
        fetched = [url if url.endswith(f"/{file}") else f"{url} as {file}" for file, url in files]
        return (
            f"{self.name} is not in Keras's cache, or damaged there, and can't be downloaded "
            f"({error}); Keras looks in {self._folder()} (the environment "
            f"variable KERAS_HOME moves it); put there {', '.join(fetched)}"
        )


class _KerasImages(LabelledImages):
    def __init__(
        self, name: str, pixels: "np.ndarray", labels: "np.ndarray", label_names: tuple[str, ...]
    ) -> None:
        if pixels.ndim == 3:
            pixels = pixels[..., None]
        elif pixels.shape[-1] != 3:
            # Keras is configured for channels first.
            pixels = pixels.transpose(0, 2, 3, 1)
        self._name = name
        self._pixels = pixels
        self.labels = labels.reshape(-1).astype("int64")
        self.label_names = label_names
        self.image_shape = pixels.shape[1:]

    def read(self, indices: "Sequence[int] | np.ndarray") -> Images:
        """Returns images by index."""
        return self._pixels[indices]

    def sample_id(self, index: int) -> str:
        """Returns the split and the row."""
        return f"{self._name}[{index}]"

    def fingerprint(self) -> str:
        """Returns a hash of the pixels and labels."""
        return hashlib.sha256(self._pixels.tobytes() + self.labels.tobytes()).hexdigest()


def _cache() -> str:
    """Returns the folder where Keras keeps data sets, as it finds it."""
    home = os.path.expanduser(os.environ.get("KERAS_HOME", os.path.join("~", ".keras")))
    if not os.access(home, os.W_OK):
        home = os.path.join(tempfile.gettempdir(), ".keras")
    return os.path.join(home, "datasets")
