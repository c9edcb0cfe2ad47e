"""A folder of class folders."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from dlcv import images
from dlcv.errors import DlcvError
from dlcv.interfaces import (
    SPLITS,
    UNSPLIT,
    DatasetStore,
    LabelledImages,
    option,
    plugin,
)


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
        import numpy as np

        root = self.path if split == UNSPLIT else self.path / split
        folders = _class_folders(root)
        files = [sorted(_image_files(folder)) for folder in folders]
        for folder, found in zip(folders, files, strict=True):
            if not found:
                raise DlcvError(f"the class folder {folder} holds no images")
        if not folders:
            raise DlcvError(f"{root} holds no folder with images; each class needs a folder")
        return images.ImageFiles(
            [path for found in files for path in found],
            np.repeat(np.arange(len(files), dtype=np.int64), [len(found) for found in files]),
            [folder.name for folder in folders],
            color_mode=self.color_mode,
            root=root,
        )

    @classmethod
    def recognise(cls, path: Path) -> Self | None:
        """Recognises a folder in which some folder holds images."""
        if not path.is_dir():
            return None
        store = cls(path=path)
        roots = [path if split == UNSPLIT else path / split for split in store.splits()]
        holds = any(next(_image_files(folder), None) for folder in _class_folders(roots[0]))
        return store if holds else None


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
