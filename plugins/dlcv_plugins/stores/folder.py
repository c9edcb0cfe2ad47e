"""A folder of class folders."""

import itertools
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from dlcv import images
from dlcv.errors import DlcvError, some
from dlcv.interfaces import SPLITS, UNSPLIT, DatasetStore, LabelledImages, option, plugin
from dlcv_plugins.stores import layout
from dlcv_plugins.stores.image_options import bit_depth_option, color_mode_option
from dlcv_plugins.stores.tiny_imagenet import is_tiny_imagenet

logger = logging.getLogger(f"dlcv.{__name__}")


@plugin
class Folder(DatasetStore):
    """Reads images from a folder of class folders, or of `train`, `val` and `test` with these.

    The splits' folders may have a part of their names in common, as `seg_train` and `seg_test`.
    """

    path: Path = option(help="the folder")
    color_mode: images.ColorMode = color_mode_option()
    bit_depth: images.BitDepth | None = bit_depth_option()

    def splits(self) -> tuple[str, ...]:
        """The split folders that are there, or `all` if the class folders lie directly below.

        Raises:
            DlcvError: there is no such folder, its folders are splits without class folders, or
                one beside the splits is none of them.
        """
        return tuple(self._split_folders()) or (UNSPLIT,)

    def open(self, split: str) -> LabelledImages:
        """Lists a split's images; the classes are the folders' names, sorted."""
        layout.check_split(split, self.splits(), self.path)
        import numpy as np

        roots = self._split_folders()
        if split == next(iter(roots), None):
            self._warn_of_unlabelled(roots)
        root = layout.inner(roots[split]) if roots else self.path
        folders = layout.subfolders(root)
        listed = [list(images.walk_files(folder)) for folder in folders]
        images.warn_of_unread(itertools.chain(*listed), root)
        files = [sorted(filter(images.is_image_file, paths)) for paths in listed]
        if not folders:
            raise DlcvError(f"{root} holds no folder with images; each class needs a folder")
        return images.ImageFiles(
            [path for found in files for path in found],
            np.repeat(np.arange(len(files), dtype=np.int64), [len(found) for found in files]),
            [folder.name for folder in folders],
            color_mode=self.color_mode,
            bit_depth=self.bit_depth or images.ALL_BITS,
            root=root,
        )

    @classmethod
    def recognise(cls, path: Path) -> Self | None:
        """Recognises a folder of class folders with images, or of train, val and test with these.

        A folder of splits without class folders is none: its labels are elsewhere.
        """
        if not path.is_dir() or is_tiny_imagenet(path):
            return None
        folders = layout.subfolders(path)
        is_labelled_elsewhere = _are_splits_without_classes(path, folders)
        if is_labelled_elsewhere or not any(map(_holds_images, folders)):
            return None
        return cls(path=path)

    def _split_folders(self) -> dict[str, Path]:
        """Returns the folders of the splits; none if the class folders lie directly below."""
        if not self.path.is_dir():
            raise DlcvError(f"no such folder: {self.path}")
        folders = layout.subfolders(self.path)
        if _are_splits_without_classes(self.path, folders):
            raise DlcvError(
                f"{self.path} holds {some(f.name for f in folders)}, and these hold no "
                "class folders; if labels are in the file names, name the data "
                f"file_names(path={str(self.path)!r}), if they are in a CSV file, name that"
            )
        named = layout.split_folders(self.path)
        found = {split: f for split, f in named.items() if layout.subfolders(layout.inner(f))}
        if not _are_named_alone(named.values()) and "train" not in found:
            return {}
        others = [
            f.name for f in _without_classes(folders, found) if not _may_be_unlabelled(f, found)
        ]
        if found and others:
            raise DlcvError(
                f"{self.path} holds {next(iter(found.values())).name}, and beside it "
                f"{some(others)}, which is no split; name it {', '.join(SPLITS[:-1])} or "
                f"{SPLITS[-1]}, or move it away"
            )
        return found

    def _warn_of_unlabelled(self, found: dict[str, Path]) -> None:
        for folder in _without_classes(layout.subfolders(self.path), found):
            count = sum(1 for _ in images.image_files(folder))
            logger.warning("%s: images without class folders are left out: %d", folder, count)


def _without_classes(folders: list[Path], found: dict[str, Path]) -> list[Path]:
    """Returns the folders beside the splits that hold images."""
    return [f for f in folders if f not in found.values() and _holds_images(f)]


def _may_be_unlabelled(folder: Path, found: dict[str, Path]) -> bool:
    is_named = layout.is_named_like_a_split(folder) or layout.shares_rest(folder, found.values())
    return is_named and not layout.subfolders(layout.inner(folder))


def _holds_images(folder: Path) -> bool:
    return next(images.image_files(folder), None) is not None


def _are_named_alone(folders: Iterable[Path]) -> bool:
    return all(layout.split_named(folder.name) for folder in folders)


def _are_splits_without_classes(root: Path, folders: list[Path]) -> bool:
    """Returns whether all folders are named like splits, a `train` is there, and none has classes.

    A class may be called train, as one of vehicles; then the others are no names of splits.
    """
    splits = layout.split_folders(root)
    rest_are_splits = (
        layout.is_named_like_a_split(folder)
        or folder in splits.values()
        or layout.shares_rest(folder, splits.values())
        for folder in folders
    )
    return (
        "train" in splits
        and all(rest_are_splits)
        and not any(layout.subfolders(layout.inner(folder)) for folder in folders)
    )
