"""Packed data sets: one HDF5 file a split or several, with rows or image files."""

import hashlib
import logging
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from dlcv import files
from dlcv.errors import DlcvError
from dlcv.images import ALL_BITS, BitDepth, recorded_bit_depth
from dlcv.interfaces import (
    DESCRIPTION,
    SPLITS,
    UNSPLIT,
    DatasetStore,
    Images,
    LabelledImages,
    Writer,
    option,
    plugin,
)
from dlcv_plugins import hdf5, storage
from dlcv_plugins.hdf5 import is_hdf5
from dlcv_plugins.stores import hdf5_format, layout
from dlcv_plugins.stores.byte_files import AT_ONCE, sampled
from dlcv_plugins.stores.hdf5_contents import ContentImages, Contents
from dlcv_plugins.stores.hdf5_format import Packed
from dlcv_plugins.stores.hdf5_records import records_of, refuse_missing
from dlcv_plugins.stores.hdf5_rows import joined
from dlcv_plugins.stores.shards import in_order

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger(__name__)
PARTS = "{}-[0-9]*-of-[0-9]*.hdf5"
"""The names of a split's parts."""
SWAPPED_DIFFERENCE = 8.0
"""Grey levels by which the last channel is brighter than the first where these look swapped."""


@plugin
class Hdf5(DatasetStore):
    """Reads and writes packed data sets: `images`, `labels` and `label_names` in HDF5 files."""

    path: Path = option(
        help="the folder with train.hdf5, val.hdf5, test.hdf5, or parts of them; or one such file"
    )
    channel_order: Literal["rgb", "bgr"] = option(
        "rgb", help="the order of color channels in the files; OpenCV's is bgr"
    )
    label_names: tuple[str, ...] | None = option(
        None, help="the classes' names in the order of the labels, for files without label_names"
    )

    def splits(self) -> tuple[str, ...]:
        """The splits that have a file.

        Raises:
            DlcvError: there is no file of `train`, or one is missing that `dataset.toml` records.
        """
        return tuple(self._by_split(self._described()))

    def open(self, split: str) -> LabelledImages:
        """Opens a split's files, after checks that nothing in them leads to other files."""
        described = self._described()
        by_split = self._by_split(described)
        layout.check_split(split, by_split, self.path)
        is_first = split in ("train", UNSPLIT)
        paths = by_split[split]
        every = [path for of_split in by_split.values() for path in of_split]
        names = self.label_names or self._numbers(every, logs=is_first)
        records = records_of(described, paths[0].with_name(DESCRIPTION))
        recorded = [_check_content(path, records) for path in paths]
        return open_parts(
            list(map(str, paths)),
            [hdf5_format.read(path, names) for path in paths],
            channel_order=self.channel_order,
            bit_depth=recorded_bit_depth(described),
            hints=is_first and not all(recorded),
        )

    def _described(self) -> dict[str, Any]:
        """Returns what `dataset.toml` tells; nothing for files that other tools wrote."""
        folder = self.path.parent if self.path.is_file() else self.path
        try:
            return tomllib.loads(files.read(folder / DESCRIPTION).decode())
        except (OSError, ValueError, RecursionError):
            return {}

    def _by_split(self, described: Mapping[str, Any]) -> dict[str, list[Path]]:
        """Returns the files of each split."""
        if self.path.is_file():
            return {UNSPLIT: [self.path]}
        found = {name: paths for name in SPLITS if (paths := self._files(name))}
        if "train" not in found:
            raise DlcvError(f"{self.path} holds no train.hdf5")
        names = {path.name for paths in found.values() for path in paths}
        refuse_missing(records_of(described, self.path / DESCRIPTION), names, self.path)
        return found

    def _numbers(self, paths: Sequence[Path], *, logs: bool) -> tuple[str, ...]:
        """Returns numbers as names where the files have none, the same in all splits; else none."""
        # Files that dlcv packed have names, and are checked before the HDF5 library opens them.
        if paths[0].with_name(DESCRIPTION).is_file() or not all(map(is_hdf5, paths)):
            return ()
        names = hdf5_format.numbers_as_names(paths)
        if names and logs:
            logger.info(
                "%s has no label_names, so classes are named 0 to %s; add label_names=(...)",
                paths[0],
                names[-1],
            )
        return names

    @classmethod
    def recognise(cls, path: Path) -> Self | None:
        """Recognises an HDF5 file, and a folder with a `train.hdf5`, or parts of one."""
        parts = path.glob(PARTS.format("train")) if path.is_dir() else iter(())
        file = next(parts, path / "train.hdf5") if path.is_dir() else path
        return cls(path=path) if is_hdf5(file) else None

    @contextmanager
    def writer(
        self,
        split: str,
        *,
        rows: int,
        image_shape: tuple[int, int, int],
        label_names: Sequence[str],
    ) -> Iterator[Writer]:
        """Writes a split's file; the HDF5 library never writes rows, see `hdf5_format`."""
        if self.channel_order != "rgb":
            raise DlcvError("packed data sets are written as RGB; leave channel_order out")
        if self.label_names is not None:
            raise DlcvError("packed data sets hold their classes' names; leave label_names out")
        path = self.path / f"{split}.hdf5"
        files.refuse_existing(path, force=False)
        hdf5_format.check_names(path, label_names)
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.atomic_path(path) as temporary, open(temporary, "xb") as file:
            writer = hdf5_format.RowWriter(file, rows, image_shape, label_names)
            yield writer
            writer.finish()

    def _files(self, split: str) -> list[Path]:
        """Returns a split's file, or its parts in order; none if it is not there."""
        whole = self.path / f"{split}.hdf5"
        parts = [part.name for part in self.path.glob(PARTS.format(split))]
        if parts and whole.is_file():
            raise DlcvError(
                f"{self.path} holds {whole.name} and {min(parts)}; they are of two data sets, so "
                "move one away"
            )
        if parts:
            return [self.path / name for name in in_order(parts, self.path, ".hdf5")]
        return [whole] if whole.is_file() else []


def open_parts(
    names: Sequence[str],
    parts: Sequence[Packed],
    *,
    channel_order: str = "rgb",
    bit_depth: BitDepth = ALL_BITS,
    hints: bool = False,
) -> LabelledImages:
    """Opens a split that has one file or several.

    Args:
        names: What names each file.
        parts: What is in each file.
        channel_order: `rgb` or `bgr`.
        bit_depth: How samples of 16 bits become bytes, or became so.
        hints: Whether channels that look swapped are told.

    Raises:
        DlcvError: the files are of several data sets.
    """
    import numpy as np

    for name, part in zip(names, parts, strict=True):
        if part.label_names != parts[0].label_names:
            raise DlcvError(f"{name} has other classes than {names[0]}; it is of another data set")
    contents = [part.content for part in parts if isinstance(part.content, Contents)]
    if not contents:
        return _PackedImages(names, parts, channel_order, bit_depth=bit_depth, hints=hints)
    if channel_order != "rgb":
        raise DlcvError(f"{names[0]} holds image files; leave channel_order out")
    if len(contents) < len(parts):
        raise DlcvError(f"{names[0]} and others hold rows and image files, of two data sets")
    labels = np.concatenate([part.labels for part in parts])
    opened = ContentImages(contents, labels, parts[0].label_names)
    opened.bit_depth = bit_depth
    return opened


def _check_content(path: Path, records: Mapping[str, Mapping[str, Any]]) -> bool:
    """Refuses a file whose content is not what its data set's description recorded.

    Returns:
        Whether there is a record.

    A damaged file may end the process inside the HDF5 library, or hang there, so this comes before
    it is opened.
    """
    if path.name in records:
        storage.check_record(path, records[path.name])
        return True
    # Written by other tools, which is fine.
    if is_hdf5(path) and path.stat().st_size <= hdf5.LARGEST_SEARCHED:
        hdf5.refuse_endless_heaps(path)
    return False


class _PackedImages(LabelledImages):
    def __init__(
        self,
        names: Sequence[str],
        parts: Sequence[Packed],
        channel_order: str,
        *,
        bit_depth: BitDepth,
        hints: bool,
    ) -> None:
        import numpy as np

        self._names = names
        self._is_reversed = channel_order == "bgr"
        self.bit_depth = bit_depth
        self._looks_at_order = hints and not self._is_reversed
        self._firsts = np.cumsum([0, *(len(part.labels) for part in parts)])
        self._rows = joined(
            [part.content for part in parts if not isinstance(part.content, Contents)]
        )
        self.labels = np.concatenate([part.labels for part in parts])
        self.label_names = parts[0].label_names
        self.image_shape = self._rows.shape[1:]
        if self._is_reversed and self.image_shape[2] != 3:
            raise DlcvError(
                f"{names[0]}: channel_order=bgr is for color images, and these are grey"
            )

    def read(self, indices: "Sequence[int] | np.ndarray") -> Images:
        """Reads rows out of the file."""
        import numpy as np

        rows = self._rows.read(indices)
        if self._looks_at_order:
            self._looks_at_order = False
            self._hint_at_order(rows)
        return np.ascontiguousarray(rows[..., ::-1]) if self._is_reversed else rows

    def _hint_at_order(self, rows: "np.ndarray") -> None:
        """Logs that the channels may be swapped, where no record says that they are RGB.

        Most photographs have more red than blue; ImageNet's means differ by 20.
        """
        if rows.shape[3] != 3 or not len(rows):
            return
        first, _, last = rows.mean(axis=(0, 1, 2))
        if last - first > SWAPPED_DIFFERENCE:
            logger.info(
                "%s: the last channel is brighter than the first (%.0f and %.0f), as in BGR; if "
                "colors look swapped in `dlcv data show`, add channel_order=bgr",
                self._names[0],
                last,
                first,
            )

    def sample_id(self, index: int) -> str:
        """Returns the file and the row."""
        part = int(self._firsts.searchsorted(index, "right")) - 1
        return f"{self._names[part]}[{index - int(self._firsts[part])}]"

    def fingerprint(self) -> str:
        """Returns a hash of labels, sizes and a sample of the pixels, spread over the file."""
        import numpy as np

        some = np.linspace(0, len(self) - 1, num=min(len(self), 1000), dtype=np.int64)
        digest = hashlib.sha256(repr((self.image_shape, self.label_names)).encode())
        digest.update(b"bgr" * self._is_reversed)
        digest.update(self.labels.tobytes())
        with sampled():
            for start in range(0, len(some), AT_ONCE):
                digest.update(self._rows.read(some[start : start + AT_ONCE]).tobytes())
        return digest.hexdigest()
