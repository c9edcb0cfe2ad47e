"""The files of a data set that has many: which there are, and of which split each is."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from dlcv import images
from dlcv.errors import DlcvError, some
from dlcv.interfaces import SPLITS, UNSPLIT
from dlcv_plugins.stores import layout
from dlcv_plugins.stores.byte_files import ByteFile, LocalFile

NUMBERED = re.compile(r"(?P<number>[0-9]+)(?:-of-(?P<count>[0-9]+))?(?:-[0-9a-f]{8,})?\Z")
"""The end of a shard's name without its ending: `00000-of-00002`, or `000017`."""


def holds_shards(path: Path, ending: str) -> bool:
    """Returns whether a path is such a file, or a folder with some, maybe in a folder of it."""
    if path.is_file():
        return path.suffix.lower() == ending
    patterns = (f"*{ending}", f"*/*{ending}")
    return path.is_dir() and any(any(path.glob(pattern)) for pattern in patterns)


def open_shards(path: Path, ending: str) -> dict[str, Sequence[ByteFile]]:
    """Returns the files of each split, in the order of their numbers.

    Args:
        path: A file, which is not divided, or a folder with the files of splits: beside each other,
            in `data/`, or in a folder a split.
        ending: What their names end in, such as `.parquet`.

    Raises:
        DlcvError: there are none, some are missing, or they are of several data sets; or one can't
            be read.
    """
    if path.is_file():
        return {UNSPLIT: [LocalFile(path)]}
    if not path.is_dir():
        raise DlcvError(f"no such file or folder: {path}")
    found = sorted(f for f in images.walk_files(path) if f.lower().endswith(ending))
    names = [Path(file).relative_to(path).as_posix() for file in found]
    if not names:
        raise DlcvError(f"{path} holds no files that end in {ending}")
    by_split = divide(names, path, ending)
    return {split: [LocalFile(path / name) for name in of] for split, of in by_split.items()}


def divide(names: Sequence[str], place: object, ending: str) -> dict[str, list[str]]:
    """Returns the names of each split's files, which are checked to be complete.

    Args:
        names: The files' names below the data set's folder, with `/` between folders.
        place: Where they are, for errors.
        ending: What they end in.

    Raises:
        DlcvError: some are missing, or they are of several data sets.
    """
    by_split: dict[str, list[str]] = {}
    for name in names:
        by_split.setdefault(_split_of(name), []).append(name)
    if UNSPLIT in by_split and len(by_split) > 1:
        raise DlcvError(
            f"{place}: {some(by_split[UNSPLIT])} name no split, and others do; name each with "
            f"train, val or test, as in train-00000-of-00002{ending}"
        )
    if not {"train", UNSPLIT} & set(by_split):
        raise DlcvError(f"{place} has files of {', '.join(by_split)}, and none of train")
    for split, of_split in by_split.items():
        by_split[split] = in_order(of_split, place, ending)
    return {split: by_split[split] for split in (*SPLITS, UNSPLIT) if split in by_split}


def _split_of(name: str) -> str:
    """Returns the split that a file's name tells, or else the folder that it lies in."""
    *folders, last = name.split("/")
    words = layout.WORD.findall(last)
    if len(words) != 1:
        words = [folder for folder in reversed(folders) if layout.split_named(folder)]
    return (layout.split_named(words[0]) if words else None) or UNSPLIT


def in_order(names: Iterable[str], place: object, ending: str) -> list[str]:
    """Returns a split's files in the order of their numbers.

    Args:
        names: Their names.
        place: Where they are, for errors.
        ending: What they end in.

    Raises:
        DlcvError: some are missing, or they are of several data sets.
    """
    numbers: dict[int, str] = {}
    counts: set[str] = set()
    without: list[str] = []
    for name in sorted(names):
        match = NUMBERED.search(name[: -len(ending)])
        if match is None:
            without.append(name)
            continue
        number = int(match["number"])
        if number in numbers:
            raise DlcvError(
                f"{place}: {numbers[number]} and {name} are the same part; they are of several "
                "data sets, so name the folder of one"
            )
        numbers[number] = name
        counts.add(match["count"] or "")
    if len(without) + bool(numbers) > 1 or len(counts) > 1:
        found = [*without, *numbers.values()]
        raise DlcvError(
            f"{place}: {some(found)} are of several data sets; name the folder or file of one"
        )
    _refuse_gaps(numbers, int(next(iter(counts), "") or 0), place)
    return [*without, *(numbers[number] for number in sorted(numbers))]


def _refuse_gaps(numbers: Mapping[int, str], count: int, place: object) -> None:
    if not numbers:
        return
    ordered = sorted(numbers)
    first, last = (0, count - 1) if count else (ordered[0], ordered[-1])
    within = [number for number in ordered if number <= last]
    # Counted, not listed: numbers may be time stamps, with billions between two.
    missing = last - first + 1 - len(within)
    known = numbers[ordered[-1]]
    if missing:
        expected = enumerate(within, first)
        gap = next((at for at, number in expected if at != number), first + len(within))
        raise DlcvError(
            f"{place}: parts are missing ({missing} of {last - first + 1}; the first is number "
            f"{gap}), as {known} tells; copy or download them again"
        )
    if ordered[-1] > last:
        raise DlcvError(
            f"{place}: {known} is a part too many of {count}; remove what is of another set"
        )
