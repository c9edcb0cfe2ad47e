"""A folder of class folders."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from dlcv import images
from dlcv.errors import DlcvError, ImageError
from dlcv.interfaces import (
    SPLITS,
    UNSPLIT,
    DatasetStore,
    Images,
    LabelledImages,
    option,
    plugin,
    stack,
)

if TYPE_CHECKING:
    import numpy as np


@plugin
class Folder(DatasetStore):
    """Reads images from a folder of class folders, or of `train`, `val` and `test` with these."""

    path: Path = option(help="the folder")
    color_mode: images.ColorMode = option("rgb", help="rgb for three channels, grayscale for one")

    def splits(self) -> tuple[str, ...]:
        """The split folders that are there, or `all` if the class folders lie directly below."""
        if not self.path.is_dir():
            raise DlcvError(f"no such folder: {self.path}")
        found = tuple(name for name in SPLITS if (self.path / name).is_dir())
        return found if "train" in found and len(found) > 1 else (UNSPLIT,)

    def open(self, split: str) -> LabelledImages:
        """Lists a split's images; the classes are the folders' names, sorted."""
        if split not in self.splits():
            raise DlcvError(
                f'{self.path} has no split "{split}"; it has {", ".join(self.splits())}'
            )
        return _FolderImages(self.path if split == UNSPLIT else self.path / split, self.color_mode)

    @classmethod
    def recognise(cls, path: Path) -> Self | None:
        """Recognises a folder in which some folder holds images."""
        if not path.is_dir():
            return None
        store = cls(path=path)
        roots = [path if split == UNSPLIT else path / split for split in store.splits()]
        holds = any(next(_image_files(folder), None) for folder in _class_folders(roots[0]))
        return store if holds else None


class _FolderImages(LabelledImages):
    def __init__(self, root: Path, color_mode: images.ColorMode) -> None:
        import numpy as np

        self._root = root
        self._color_mode = color_mode
        folders = _class_folders(root)
        self._paths: list[str] = []
        labels: list[int] = []
        for label, folder in enumerate(folders):
            files = sorted(_image_files(folder))
            if not files:
                raise DlcvError(f"the class folder {folder} holds no images")
            self._paths += files
            labels += [label] * len(files)
        if not self._paths:
            raise DlcvError(f"{root} holds no folder with images; each class needs a folder")
        self.labels = np.array(labels, np.int64)
        self.label_names = tuple(folder.name for folder in folders)
        self.image_shape = (None, None, 3 if color_mode == "rgb" else 1)

    def read(self, indices: "Sequence[int] | np.ndarray") -> Images:
        """Decodes images by index."""
        decoded = []
        for position, index in enumerate(indices):
            try:
                decoded.append(images.read_image(self._paths[index], self._color_mode))
            except ImageError as error:
                error.index = position
                raise
        return stack(decoded)

    def sample_id(self, index: int) -> str:
        """Returns the image's path."""
        return self._paths[index]

    def fingerprint(self) -> str:
        """Returns a hash of the files' names below the folder and their sizes in bytes."""
        digest = hashlib.sha256()
        for path in self._paths:
            name = os.fsencode(os.path.relpath(path, self._root))
            digest.update(name + f"\0{os.path.getsize(path)}\n".encode())
        return digest.hexdigest()


def _class_folders(root: Path) -> list[Path]:
    return sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))


def _image_files(folder: Path) -> Iterator[str]:
    """Yields the images in a folder and the folders below it, hidden ones left out."""
    seen = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        # A link that leads to a folder around it would give every image many times.
        if (place := os.path.realpath(parent)) in seen:
            folders.clear()
            continue
        seen.add(place)
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if images.is_image_file(Path(name)):
                yield os.path.join(parent, name)
