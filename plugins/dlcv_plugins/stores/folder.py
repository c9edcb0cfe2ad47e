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
        """The split folders that are there, or `all` if the class folders lie directly below.

        Raises:
            DlcvError: there is no such folder, or one beside the splits is none of them.
        """
        if not self.path.is_dir():
            raise DlcvError(f"no such folder: {self.path}")
        folders = {folder.name: folder for folder in _class_folders(self.path)}
        found = tuple(n for n in SPLITS if n in folders and _class_folders(folders[n]))
        if not found:
            return (UNSPLIT,)
        if others := sorted(set(folders) - set(found)):
            raise DlcvError(
                f"{self.path} holds {found[0]}, and beside it {', '.join(others)}, which is no "
                f"split; name it {', '.join(SPLITS[:-1])} or {SPLITS[-1]}, or move it away"
            )
        return found

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
