"""Tar archives of samples, as the library WebDataset writes them."""

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Self

from dlcv import images
from dlcv.errors import DlcvError, ImageError
from dlcv.interfaces import UNSPLIT, DatasetStore, LabelledImages, option, plugin
from dlcv_plugins.stores import layout
from dlcv_plugins.stores.byte_files import ByteFile, LocalFile
from dlcv_plugins.stores.encoded import EncodedImages, largest_content
from dlcv_plugins.stores.image_options import bit_depth_option, color_mode_option
from dlcv_plugins.stores.shards import holds_shards, open_shards
from dlcv_plugins.stores.tar_index import index_of, numbered

if TYPE_CHECKING:
    import numpy as np

ENDING = ".tar"
BRACES = re.compile(r"\{([0-9]+)\.\.([0-9]+)\}")
THREADS = 8
"""Archives that are indexed at once, which takes long where they are far away."""


@plugin
class WebDataset(DatasetStore):
    """Reads images from tar archives of samples: `0001.jpg` with `0001.cls` or `0001.json`.

    The archives of a split are named like `train-000017.tar`, or lie in a folder that is named like
    the split. Where each image lies is found once, and kept in the user's cache.
    """

    path: Path = option(
        help="the folder, one archive, or several as in shards/{000000..000009}.tar"
    )
    label: str = option("", help="what holds a label: cls, txt, or json.KEY; found if left out")
    label_names: tuple[str, ...] | None = option(
        None, help="the classes' names in the order of the labels, where labels are numbers"
    )
    color_mode: images.ColorMode = color_mode_option()
    bit_depth: images.BitDepth | None = bit_depth_option()

    def splits(self) -> tuple[str, ...]:
        """The splits that have archives, or `all` where no name tells any.

        Raises:
            DlcvError: there are no archives, or some are missing.
        """
        return tuple(self._files())

    def open(self, split: str) -> LabelledImages:
        """Lists a split's images; the classes are the labels of all splits.

        Raises:
            DlcvError: an archive is damaged, or a sample has no label.
        """
        return open_archives(
            self._files(),
            split,
            self.path,
            label=self.label,
            label_names=self.label_names,
            color_mode=self.color_mode,
            bit_depth=self.bit_depth or images.ALL_BITS,
        )

    @classmethod
    def recognise(cls, path: Path) -> Self | None:
        """Recognises a file that ends in .tar, and a folder with such files."""
        return cls(path=path) if holds_shards(path, ENDING) else None

    def _files(self) -> dict[str, Sequence[ByteFile]]:
        """Returns the archives of each split."""
        if BRACES.search(str(self.path)):
            return {UNSPLIT: [LocalFile(path) for path in _expanded(str(self.path))]}
        return open_shards(self.path, ENDING)


def open_archives(
    files: Mapping[str, Sequence[ByteFile]],
    split: str,
    place: object,
    *,
    label: str,
    label_names: tuple[str, ...] | None,
    color_mode: images.ColorMode,
    bit_depth: images.BitDepth,
) -> EncodedImages:
    """Opens a split of archives, as the store `webdataset` does.

    Args:
        files: The archives by split.
        split: The split.
        place: Where they are, for errors.
        label: What holds a label; empty to find it.
        label_names: The classes' names, where labels are numbers.
        color_mode: `rgb` or `grayscale`.
        bit_depth: The bits that 16-bit samples use.

    Raises:
        DlcvError: there is no such split, or an archive can't be read.
    """
    layout.check_split(split, files, place)
    everything = [file for of_split in files.values() for file in of_split]
    with ThreadPoolExecutor(THREADS) as executor:
        indices = list(executor.map(lambda file: index_of(file, label), everything))
    found = dict(zip(everything, indices, strict=True))
    names = _names([index["labels"] for index in indices], label_names, place)
    return _TarImages(
        files[split],
        [found[file] for file in files[split]],
        names,
        is_numbered=label_names is not None,
        color_mode=color_mode,
        bit_depth=bit_depth,
    )


class _TarImages(EncodedImages):
    def __init__(
        self,
        files: Sequence[ByteFile],
        indices: "Sequence[dict[str, np.ndarray]]",
        names: tuple[str, ...],
        *,
        is_numbered: bool,
        color_mode: images.ColorMode,
        bit_depth: images.BitDepth,
    ) -> None:
        import numpy as np

        positions = {
            (str(place) if is_numbered else name).encode(): place
            for place, name in enumerate(names)
        }
        labels = [
            positions[text if not is_numbered else b"%d" % int(text)]
            for index in indices
            for text in index["labels"].tolist()
        ]
        super().__init__(
            np.array(labels, np.int64), names, color_mode=color_mode, bit_depth=bit_depth
        )
        self._files = files
        counts = [len(index["names"]) for index in indices]
        self._file = np.repeat(np.arange(len(files), dtype=np.int32), counts)
        self._names, self._offsets, self._sizes = (
            np.concatenate([index[column] for index in indices])
            for column in ("names", "offsets", "sizes")
        )

    def content(self, index: int) -> bytes:
        """Returns the bytes of a sample's image."""
        size = int(self._sizes[index])
        if size > (limit := largest_content()):
            raise ImageError(f"has {size:,} bytes; at most {limit:,} are read")
        content = self._files[self._file[index]].read_at(int(self._offsets[index]), size)
        if len(content) < size:
            raise ImageError("was cut off while it was in use; copy the archive again")
        return content

    def sample_id(self, index: int) -> str:
        """Returns the archive's path, and the name in it."""
        name = self._names[index].decode(errors="surrogateescape")
        return f"{self._files[self._file[index]].name}/{name}"

    def identity(self) -> bytes:
        """Returns the names and lengths of the images."""
        return b"\n".join(self._names.tolist()) + self._sizes.astype("<i8").tobytes()


def _names(
    labels: "Sequence[np.ndarray]", given: tuple[str, ...] | None, place: object
) -> tuple[str, ...]:
    """Returns the classes' names.

    Raises:
        DlcvError: names are given for labels that are no numbers, or some have none.
    """
    texts = {text for part in labels for text in part.tolist()}
    is_numbered = numbered(labels)
    if given is None:
        ordered = sorted(texts, key=int) if is_numbered else sorted(texts)
        return tuple(text.decode() for text in ordered)
    if not is_numbered:
        first = min(texts).decode()
        raise DlcvError(f'{place}: labels are texts, such as "{first}"; leave label_names out')
    if (highest := max(map(int, texts))) >= len(given):
        raise DlcvError(f"{place}: labels go up to {highest}, and there are {len(given)} names")
    return given


def _expanded(pattern: str) -> list[Path]:
    """Returns the paths that a pattern with one or more ranges stands for, as shells do."""
    match = BRACES.search(pattern)
    if match is None:
        return [Path(pattern)]
    first, last = match.groups()
    numbers = range(int(first), int(last) + 1)
    if not numbers:
        raise DlcvError(f"{pattern}: the range {match[0]} is empty; write it as in {{0..9}}")
    start, end = pattern[: match.start()], pattern[match.end() :]
    return [
        path for number in numbers for path in _expanded(f"{start}{number:0{len(first)}d}{end}")
    ]
