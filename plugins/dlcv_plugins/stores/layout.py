"""What stores that list files have in common: split folders and the words for them."""

import os
import re
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
WORD = re.compile(
    rf"(?<![^\W_])({'|'.join(sorted(SPLIT_WORDS, key=len, reverse=True))})(?![^\W_])", re.IGNORECASE
)
"""One of these words in a name, with no letter or digit beside it."""
ALONE = "\0"
"""What is left of a name that is a split's word alone: the place of the word."""


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

    Their names are a split's word alone, or share what is beside it, as in `seg_train` and
    `seg_test`; then there are two or more, `train` among them. So `train_station` and `test_tube`
    are no splits.

    Raises:
        DlcvError: two of them are the same split.
    """
    names = [folder.name for folder in subfolders(root)]
    return {split: root / name for split, name in split_names(names, root).items()}


def split_names(names: Iterable[str], place: object) -> dict[str, str]:
    """Returns which of the names of folders that lie in one place are splits, as `split_folders`.

    Raises:
        DlcvError: two of them are the same split.
    """
    by_rest: dict[str, dict[str, str]] = {}
    for name in names:
        split, rest = split_named(name), ALONE
        if not split:
            split, rest = _word_in(name)
        if split:
            by_rest.setdefault(rest, {})[name] = split
    for rest, splits in sorted(by_rest.items(), key=lambda item: item[0] != ALONE):
        if rest == ALONE or ("train" in splits.values() and len(set(splits.values())) > 1):
            return _in_order(place, splits)
    return {}


def inner(folder: Path) -> Path:
    """Returns the folder that holds what a split has: archives often hold `test/test/`."""
    below = subfolders(folder)
    if len(below) != 1 or below[0].name != folder.name:
        return folder
    return folder if any(map(images.is_image_file, folder.iterdir())) else inner(below[0])


def shares_rest(folder: Path, splits: Iterable[Path]) -> bool:
    """Returns whether a folder is named as splits are but for their word, as `seg_pred`."""
    found = {WORD.sub("\0", split.name) for split in splits} - {ALONE}
    return any(
        folder.name.startswith(start) and folder.name.endswith(end)
        for start, _, end in (rest.partition("\0") for rest in found)
    )


def _word_in(name: str) -> tuple[str | None, str]:
    """Returns the split whose word is in a name, and the name with a place for the word."""
    words = WORD.findall(name)
    split = split_named(words[0]) if len(words) == 1 else None
    return split, WORD.sub("\0", name)


def _in_order(place: object, splits: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, split in splits.items():
        if split in found:
            raise DlcvError(
                f"{place} holds {found[split]} and {name}, which both stand for {split}; move one "
                f"away, or put all images of {split} into one"
            )
        found[split] = name
    return {split: found[split] for split in SPLITS if split in found}


def is_named_like_a_split(folder: Path) -> bool:
    """Returns whether a folder's name is a split's, a number behind it aside, as in `test1`."""
    return split_named(folder.name.rstrip("0123456789_- ")) is not None


def check_split(split: str, splits: Iterable[str], place: object) -> None:
    """Raises `DlcvError` if a split is not among those that a place has."""
    if split not in splits:
        raise DlcvError(f'{place} has no split "{split}"; it has {", ".join(splits)}')
