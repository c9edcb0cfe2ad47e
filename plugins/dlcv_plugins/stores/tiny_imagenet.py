"""Tiny ImageNet, in the layout that it is published in."""

import io
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

from dlcv import files, images
from dlcv.errors import DlcvError, some
from dlcv.interfaces import DatasetStore, LabelledImages, option, plugin
from dlcv_plugins.stores import layout
from dlcv_plugins.stores.image_options import bit_depth_option, color_mode_option

logger = logging.getLogger(f"dlcv.{__name__}")


@plugin
class TinyImagenet(DatasetStore):
    """Reads Tiny ImageNet: wnids.txt, words.txt, train/WNID/images, val with its annotations.

    The classes are those of `wnids.txt`, in its order, named by their first word in `words.txt`.
    The test images have no public labels and are left out.
    """

    path: Path = option(help="the folder with wnids.txt")
    color_mode: images.ColorMode = color_mode_option()
    bit_depth: images.BitDepth | None = bit_depth_option()

    def splits(self) -> tuple[str, ...]:
        """`train`, and `val` where it is there."""
        if not is_tiny_imagenet(self.path):
            raise DlcvError(f"{self.path} holds no wnids.txt and train; it is no Tiny ImageNet")
        return ("train", "val") if (self.path / "val").is_dir() else ("train",)

    def open(self, split: str) -> LabelledImages:
        """Lists a split's images.

        Raises:
            DlcvError: a class, an image or an annotation is missing or wrong.
        """
        layout.check_split(split, self.splits(), self.path)
        import numpy as np

        wnids = self._wnids()
        found = list(self._training(wnids) if split == "train" else self._validation(wnids))
        return images.ImageFiles(
            [path for path, _ in found],
            np.array([label for _, label in found], np.int64),
            self._names(wnids),
            color_mode=self.color_mode,
            bit_depth=self.bit_depth or images.ALL_BITS,
            root=self.path / split,
        )

    @classmethod
    def recognise(cls, path: Path) -> Self | None:
        """Recognises a folder with wnids.txt and a folder train."""
        return cls(path=path) if is_tiny_imagenet(path) else None

    def _wnids(self) -> list[str]:
        """Returns the classes' WordNet ids, as `wnids.txt` lists them."""
        file = self.path / "wnids.txt"
        wnids = [line.strip() for _, line in _lines(file)]
        if not wnids:
            raise DlcvError(f"{file} is empty; it lists the ids of the classes, one a line")
        if twice := [wnid for wnid, count in Counter(wnids).items() if count > 1]:
            raise DlcvError(f"{file} lists {some(twice)} more than once")
        return wnids

    def _names(self, wnids: list[str]) -> list[str]:
        """Returns the classes' names: the first of the words, with the id where two agree."""
        words = {}
        file = self.path / "words.txt"
        for number, line in _lines(file) if file.exists() else ():
            wnid, tab, text = line.partition("\t")
            if not tab or not text.strip():
                raise DlcvError(
                    f'{file}, line {number}: expected an id, a tab and words, received "{line}"'
                )
            words[wnid.strip()] = text.split(",")[0].strip()
        names = [words.get(wnid) or wnid for wnid in wnids]
        often = Counter(names)
        return [
            name if often[name] == 1 else f"{name} ({wnid})"
            for name, wnid in zip(names, wnids, strict=True)
        ]

    def _training(self, wnids: list[str]) -> Iterator[tuple[str, int]]:
        """Yields the training images with their labels."""
        root = self.path / "train"
        if unknown := {folder.name for folder in layout.subfolders(root)} - set(wnids):
            raise DlcvError(f"{root} holds {some(sorted(unknown))}, which wnids.txt does not list")
        if (self.path / "test").is_dir():
            logger.info("the test images of Tiny ImageNet have no labels and are left out")
        for label, wnid in enumerate(wnids):
            folder = root / wnid
            files = list(images.walk_files(folder)) if folder.is_dir() else []
            images.warn_of_unread(files, folder)
            found = sorted(filter(images.is_image_file, files))
            if not found:
                raise DlcvError(f"{folder} holds no images, and wnids.txt lists the class {wnid}")
            yield from ((path, label) for path in found)

    def _validation(self, wnids: list[str]) -> Iterator[tuple[str, int]]:
        """Yields the validation images with the labels of `val_annotations.txt`."""
        root = self.path / "val" / "images"
        annotations = self.path / "val" / "val_annotations.txt"
        labels = {wnid: label for label, wnid in enumerate(wnids)}
        found = dict(_annotations(annotations, labels))
        listed = root.iterdir() if root.is_dir() else ()
        present = {path.name for path in listed if images.is_image_file(path)}
        if missing := [name for name in found if name not in present]:
            raise DlcvError(
                f"{annotations} names {len(missing):,} of {len(found):,} images that are not in "
                f"{root}; the first is {missing[0]} on line {found[missing[0]][1]}"
            )
        if left_out := present - set(found):
            logger.warning(
                "%s: images without annotation are left out: %d, such as %s",
                root,
                len(left_out),
                some(sorted(left_out)),
            )
        yield from ((str(root / name), label) for name, (label, _) in found.items())


def is_tiny_imagenet(path: Path) -> bool:
    """Returns whether a folder holds what tells Tiny ImageNet's layout from others."""
    return (path / "wnids.txt").is_file() and (path / "train").is_dir()


def _annotations(file: Path, labels: Mapping[str, int]) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yields each annotated file's name with its label and line.

    A line holds the name, the id of the class, and the four numbers of a box, with tabs between.
    """
    lines: dict[str, int] = {}
    for number, line in _lines(file):
        name, *rest = (field.strip() for field in line.split("\t"))
        if len(rest) not in (1, 5) or not name or Path(name).name != name:
            raise DlcvError(
                f"{file}, line {number}: expected a file's name, an id and a box, with tabs "
                f'between, received "{line}"'
            )
        if rest[0] not in labels:
            raise DlcvError(
                f'{file}, line {number}: {name} is of the class "{rest[0]}", which wnids.txt '
                "does not list"
            )
        if name in lines:
            raise DlcvError(f"{file}, line {number}: {name} is on line {lines[name]} already")
        lines[name] = number
        yield name, (labels[rest[0]], number)


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    """Yields the lines of a text file that are not blank, with their numbers from 1."""
    try:
        text = io.TextIOWrapper(io.BytesIO(files.read(file)), "utf-8-sig").read()
    except FileNotFoundError:
        raise DlcvError(f"{file} is missing; it belongs to Tiny ImageNet's layout") from None
    except UnicodeDecodeError as error:
        raise DlcvError(f"{file} is no text in UTF-8: {error.reason}") from None
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.strip("\r")
