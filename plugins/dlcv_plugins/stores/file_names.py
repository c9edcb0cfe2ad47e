"""Images whose file names hold their labels."""

import logging
import re
from collections import Counter
from pathlib import Path
from typing import Self

from dlcv import images
from dlcv.errors import DlcvError, some
from dlcv.interfaces import UNSPLIT, DatasetStore, LabelledImages, option, plugin
from dlcv_plugins.stores import layout
from dlcv_plugins.stores.image_options import bit_depth_option, color_mode_option

logger = logging.getLogger(f"dlcv.{__name__}")

LABEL, NUMBER = "{label}", "{number}"


@plugin
class FileNames(DatasetStore):
    """Reads images whose file names hold their labels, by a pattern, such as `cat.11866.jpg`.

    In the pattern, `{label}` stands for the label, `{number}` for digits and `*` for anything; the
    label is as short as the rest allows. The file's ending is left out of it. So
    `{label}_{number}` finds the label `great_dane` in `great_dane_107.jpg`, and `*-{label}` finds
    `cat` in `0001-cat.png`.
    """

    path: Path = option(help="the folder; train, val and test in it are splits")
    pattern: str = option(
        f"{LABEL}.{NUMBER}", help="how the names are made: {label}, {number}, and * for anything"
    )
    color_mode: images.ColorMode = color_mode_option()
    bit_depth: images.BitDepth | None = bit_depth_option()

    def splits(self) -> tuple[str, ...]:
        """The split folders that hold labelled images, or `all` if there are none.

        Raises:
            DlcvError: there is no such folder, the pattern is none, or matches nothing.
        """
        return tuple(self._files())

    def open(self, split: str) -> LabelledImages:
        """Lists a split's images; the classes are the labels of all splits, sorted.

        Raises:
            DlcvError: some names do not match the pattern while others do.
        """
        files = self._files()
        layout.check_split(split, files, self.path)
        import numpy as np

        if split == next(iter(files)):
            self._warn_of_unlabelled(files)
        names = sorted({label for found in files.values() for label in found.values()})
        position = {name: i for i, name in enumerate(names)}
        return images.ImageFiles(
            list(files[split]),
            np.array([position[label] for label in files[split].values()], np.int64),
            names,
            color_mode=self.color_mode,
            bit_depth=self.bit_depth or images.ALL_BITS,
            root=self._roots().get(split, self.path),
        )

    @classmethod
    def recognise(cls, path: Path) -> Self | None:
        """Recognises a folder of images all named like cat.1.jpg, or one with these in train.

        There must be two labels or more, each with two images or more, so that files that some
        program numbered are not taken for a data set.
        """
        if not path.is_dir():
            return None
        store = cls(path=path)
        folder = store._roots().get("train", path)
        names = [entry.name for entry in folder.iterdir() if images.is_image_file(entry)]
        expression = _expression(store.pattern)
        labels = Counter(label for name in names if (label := _label(name, expression)))
        is_safe = len(labels) > 1 and min(labels.values()) > 1 and not any(map(str.isdigit, labels))
        return store if is_safe and labels.total() == len(names) else None

    def _roots(self) -> dict[str, Path]:
        """Returns the folders of the splits; none if the folder is not divided."""
        roots = layout.split_folders(self.path)
        if "train" not in roots:
            return {}
        return {split: layout.inner(root) for split, root in roots.items()}

    def _files(self) -> dict[str, dict[str, str]]:
        """Returns the labels by path, by split."""
        if not self.path.is_dir():
            raise DlcvError(f"no such folder: {self.path}")
        roots = self._roots() or {UNSPLIT: self.path}
        found = {split: self._labels(root) for split, root in roots.items()}
        if not next(iter(found.values())):
            root = next(iter(roots.values()))
            names = sorted(Path(path).name for path in images.image_files(root))
            raise DlcvError(
                f'{root}: the pattern "{self.pattern}" matches none of the {len(names):,} images: '
                f"{some(names)}; write a pattern in which {LABEL} stands for the label"
                if names
                else f"{root} holds no images"
            )
        return {split: labels for split, labels in found.items() if labels}

    def _labels(self, root: Path) -> dict[str, str]:
        """Returns the labels by path of all images below a folder; none if no name matches."""
        expression = _expression(self.pattern)
        paths = sorted(images.image_files(root))
        labels = {path: label for path in paths if (label := _label(path, expression))}
        others = [Path(path).name for path in paths if path not in labels]
        if labels and others:
            raise DlcvError(
                f'{root}: the pattern "{self.pattern}" does not match {len(others):,} of the '
                f"{len(paths):,} images: {some(others)}; write a pattern that matches all, "
                "or move these away"
            )
        return labels

    def _warn_of_unlabelled(self, files: dict[str, dict[str, str]]) -> None:
        """Says what is left out, in the splits and beside; refuses what should be a split."""
        roots = self._roots()
        used = [roots[split] for split in files if split != UNSPLIT]
        expression = _expression(self.pattern)
        for folder in used or [self.path]:
            images.warn_of_unread(images.walk_files(folder), folder)
        for folder in layout.subfolders(self.path) if used else ():
            is_used = layout.inner(folder) in used
            paths = [] if is_used else sorted(images.image_files(folder))
            if any(_label(path, expression) for path in paths):
                raise DlcvError(
                    f"{folder} holds labelled images and is no split; name it train, val or test, "
                    "or move it away"
                )
            if paths:
                first = Path(paths[0]).name
                logger.warning(
                    "%s: images without a label are left out: %d, such as %s",
                    folder,
                    len(paths),
                    first,
                )


def _expression(pattern: str) -> re.Pattern[str]:
    """Returns a pattern as a regular expression whose first group is the label.

    Raises:
        DlcvError: the pattern does not hold the label once, or names folders.
    """
    if pattern.count(LABEL) != 1:
        raise DlcvError(
            f'the pattern "{pattern}" must hold {LABEL} once, as in "{LABEL}_{NUMBER}" for names '
            "like cat_12.jpg"
        )
    if "/" in pattern:
        raise DlcvError(f'the pattern "{pattern}" names folders; it is of the file\'s name alone')
    ending = Path(pattern).suffix
    named = pattern.removesuffix(ending) if ending.lower() in images.EXTENSIONS else pattern
    parts = {LABEL: "(.+?)", NUMBER: "[0-9]+", "*": ".*"}
    tokens = re.split(r"(\{label\}|\{number\}|\*)", named)
    return re.compile("".join(parts.get(token, re.escape(token)) for token in tokens), re.DOTALL)


def _label(path: str, expression: re.Pattern[str]) -> str | None:
    """Returns the label that a file's name tells, or None."""
    match = expression.fullmatch(Path(path).stem)
    return match[1] if match else None
