"""Class folders in a list of names, as they are in an archive."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from dlcv import images
from dlcv.errors import DlcvError, some
from dlcv.interfaces import SPLITS, UNSPLIT
from dlcv_plugins.stores import layout

Files = list[tuple[tuple[str, ...], int]]
"""Files with the folders that they lie in, the file's own name last, and their places."""


def arrange(
    names: Sequence[str], place: object
) -> tuple[dict[str, dict[str, list[int]]], dict[str, int]]:
    """Finds splits and classes as the store `folder` does.

    Args:
        names: The files' names, with `/` between folders.
        place: Where they are, for errors.

    Returns:
        The places of images in `names`, by split and class, sorted by class and name; and how many
        images folders of splits have that hold no class folders.

    Raises:
        DlcvError: no image lies in a folder, or a folder beside the splits is none of them.
    """
    found = sorted((tuple(n.split("/")), i) for i, n in enumerate(names) if _is_image(n))
    files = _without_wrapping(found)
    if not any(len(parts) > 1 for parts, _ in files):
        raise DlcvError(f"{place} holds no folder with images; each class needs a folder")
    by_folder = _by_folder(files)
    named = layout.split_names(by_folder, place)
    inner = {split: _inner(by_folder[folder], folder) for split, folder in named.items()}
    labelled = {split: found for split, found in inner.items() if _by_folder(found)}
    if "train" not in labelled:
        return {UNSPLIT: _classes(files)}, {}
    others = [folder for folder in by_folder if folder not in named.values()]
    unnamed = [f for f in others if not _may_be_unlabelled(f, by_folder[f], named)]
    if unnamed:
        raise DlcvError(
            f"{place} holds {named['train']}, and beside it {some(unnamed)}, which is no split; "
            f"name it {', '.join(SPLITS[:-1])} or {SPLITS[-1]}, or take it out"
        )
    left_out = [*others, *(named[split] for split in inner if split not in labelled)]
    return (
        {split: _classes(found) for split, found in labelled.items()},
        {folder: len(by_folder[folder]) for folder in left_out},
    )


def _is_image(name: str) -> bool:
    folders = name.split("/")[:-1]
    return images.is_image_file(name) and not any(map(images.is_stray_folder, folders))


def _without_wrapping(files: Files) -> Files:
    """Returns files without the folder that holds all of them: `photos/` in `photos.zip`."""
    while len(first := {parts[0] for parts, _ in files}) == 1:
        if layout.split_named(first.pop()) or min(len(parts) for parts, _ in files) < 3:
            break
        files = [(parts[1:], place) for parts, place in files]
    return files


def _may_be_unlabelled(folder: str, files: Files, named: Mapping[str, str]) -> bool:
    path, splits = Path(folder), map(Path, named.values())
    is_named = layout.is_named_like_a_split(path) or layout.shares_rest(path, splits)
    return is_named and not _by_folder(_inner(files, folder))


def _by_folder(files: Files) -> dict[str, Files]:
    """Returns files that lie in folders by the first folder, without its name."""
    folders: dict[str, Files] = defaultdict(list)
    for parts, place in files:
        if len(parts) > 1:
            folders[parts[0]].append((parts[1:], place))
    return dict(folders)


def _inner(files: Files, folder: str) -> Files:
    """Returns files without a folder that has the name of the one around it, as `test/test/`."""
    while files and all(len(parts) > 1 and parts[0] == folder for parts, _ in files):
        files = [(parts[1:], place) for parts, place in files]
    return files


def _classes(files: Files) -> dict[str, list[int]]:
    return {name: [place for _, place in found] for name, found in _by_folder(files).items()}
