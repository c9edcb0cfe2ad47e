"""What stores that list files have in common: split folders and the words for them."""

import os
from collections.abc import Iterable
from pathlib import Path

from dlcv import images
from dlcv.errors import DlcvError
from dlcv.interfaces import SPLITS

SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "train_val": "train_val",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
"""What people call splits, in lower case, and the split that each word stands for."""


def split_named(name: str) -> str | None:
    """Returns the split that a word stands for, in any case, or None."""
    return SPLIT_WORDS.get(name.strip().lower())


def subfolders(root: Path) -> list[Path]:
    """Returns the folders in a folder, sorted, without those that are hidden or strays."""
    # A folder of images may hold many thousands, and each entry knows what it is.
    with os.scandir(root) as entries:
        names = [e.name for e in entries if e.is_dir() and not images.is_stray_folder(e.name)]
    return [root / name for name in sorted(names)]


def split_folders(root: Path) -> dict[str, Path]:
    """Returns the folders in a folder that are named like splits, in the order of the splits.

    Raises:
        DlcvError: two of them are the same split.
    """
    found: dict[str, Path] = {}
    for folder in subfolders(root):
        split = split_named(folder.name)
        if split in found:
            raise DlcvError(
                f"{root} holds {found[split].name} and {folder.name}, which both stand for "
                f"{split}; move one away, or put all images of {split} into one"
            )
        if split:
            found[split] = folder
    return {split: found[split] for split in SPLITS if split in found}


def is_named_like_a_split(folder: Path) -> bool:
    """Returns whether a folder's name is a split's, a number behind it aside, as in `test1`."""
    return split_named(folder.name.rstrip("0123456789_- ")) is not None


def check_split(split: str, splits: Iterable[str], place: object) -> None:
    """Raises `DlcvError` if a split is not among those that a place has."""
    if split not in splits:
        raise DlcvError(f'{place} has no split "{split}"; it has {", ".join(splits)}')
