"""Labelled images in files of their own."""

import hashlib
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dlcv.errors import ImageError
from dlcv.images.decoding import ColorMode, read_image
from dlcv.interfaces import Images, LabelledImages, stack

if TYPE_CHECKING:
    import numpy as np


class ImageFiles(LabelledImages):
    """Images in files of their own, decoded when they are read."""

    def __init__(
        self,
        paths: Sequence[str],
        labels: "np.ndarray",
        label_names: Sequence[str],
        *,
        color_mode: ColorMode = "rgb",
        root: str | os.PathLike[str] = ".",
    ) -> None:
        """Lists the images.

        Args:
            paths: Their files.
            labels: `(N,)` int64, indices into `label_names`.
            label_names: The classes' names.
            color_mode: `rgb` for three channels, `grayscale` for one.
            root: The folder below which the files' names tell them apart.
        """
        self.labels = labels
        self.label_names = tuple(label_names)
        self.image_shape = (None, None, 3 if color_mode == "rgb" else 1)
        self._paths = paths
        self._color_mode = color_mode
        self._root = root

    def read(self, indices: "Sequence[int] | np.ndarray") -> Images:
        """Decodes images by index."""
        decoded = []
        for position, index in enumerate(indices):
            try:
                decoded.append(read_image(self._paths[index], self._color_mode))
            except ImageError as error:
                error.index = position
                raise
        return stack(decoded)

    def sample_id(self, index: int) -> str:
        """Returns the image's path."""
        return self._paths[index]

    def fingerprint(self) -> str:
        """Returns a hash of the labels, the files' names below the root, and their sizes."""
        digest = hashlib.sha256(self.labels.astype("<i8").tobytes())
        for path in self._paths:
            name = os.fsencode(os.path.relpath(path, self._root))
            # A link to nowhere is no reason to stop where unreadable images are left out.
            size = os.path.getsize(path) if os.path.exists(path) else -1
            digest.update(name + f"\0{size}\n".encode())
        return digest.hexdigest()
