"""The forms that images are packed in: rows of pixels, or the files as they are."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Protocol

import attrs
import numpy as np

from dlcv import files, images
from dlcv.api import Pipeline, Subset, chunks, process_batch, read_ahead
from dlcv.errors import ImageError
from dlcv.interfaces import LabelledImages
from dlcv_plugins.stores.encoded import EncodedImages
from dlcv_plugins.stores.hdf5_contents import ContentWriter
from dlcv_plugins.stores.hdf5_format import RowWriter, check_names

CHUNK = 32
"""Images that a thread works on at once, at most 257."""
Advance = Callable[[int], None]
"""Is called with the number of images that were written; may raise, to stop."""


@attrs.frozen(eq=False)
class Written:
    """What was written into a file.

    Attributes:
        total: The sum of the pixels: `(H, W, C)` uint64, or `(C,)` where sizes may differ.
        pixels: How many pixels were added for each number of `total`.
        sha256: The file's checksum, where it is known without reading the file.
    """

    total: np.ndarray
    pixels: int
    sha256: str | None


@attrs.define(eq=False)
class AllWritten:
    """What was written into all files, of which sums are kept for the training images alone.

    Attributes:
        checksums: Each file's, by its name; None where it is not known without reading the file.
        total: As in `Written`, over all training images.
        pixels: Likewise.
    """

    checksums: dict[str, str | None] = attrs.field(factory=dict)
    total: np.ndarray = attrs.field(factory=lambda: np.zeros((), np.uint64))
    pixels: int = 0

    def add(self, name: str, split: str, written: Written) -> None:
        """Adds what was written into a file of a split."""
        self.checksums[name] = written.sha256
        if split == "train":
            self.total = self.total + written.total
            self.pixels += written.pixels


class Form(Protocol):
    """How images are packed."""

    def size(self, count: int) -> int:
        """Returns how many bytes a number of images takes, 0 where that is not known before."""

    def write(
        self, path: Path, source: LabelledImages, rows: range, threads: int, advance: Advance
    ) -> Written:
        """Writes some of a split's images into a file, which appears when it is whole."""


@attrs.frozen(eq=False)
class Pixels:
    """Packs rows of pixels, after pixel steps.

    Attributes:
        pipeline: The pixel steps.
        shape: `(H, W, C)` of all rows.
    """

    pipeline: Pipeline
    shape: tuple[int, int, int]

    def size(self, count: int) -> int:
        """Returns the bytes of some rows."""
        height, width, channels = self.shape
        return count * height * width * channels

    def write(
        self, path: Path, source: LabelledImages, rows: range, threads: int, advance: Advance
    ) -> Written:
        """Writes rows; the sum of the pixels is exact whatever is added first."""

        def process(part: range) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            at = np.array(part) + rows.start
            pixels = process_batch(source, at, self.pipeline, None)
            # So many bytes fit into 16 bits, which are added up twice as fast as 32.
            return pixels, source.labels[at], pixels.sum(axis=0, dtype=np.uint16)

        total = np.zeros(self.shape, np.uint64)
        check_names(path, source.label_names)
        with files.atomic_path(path) as temporary, open(temporary, "xb") as file:
            labels = source.labels[rows.start : rows.stop]
            writer = RowWriter(file, len(rows), self.shape, source.label_names, labels)
            with closing(read_ahead(process, chunks(len(rows), CHUNK), threads)) as found:
                for pixels, labels, sums in found:
                    writer.add(pixels, labels)
                    total += sums
                    advance(len(pixels))
            sha256 = writer.finish()
        return Written(total, len(rows), sha256)


@attrs.frozen(eq=False)
class Files:
    """Packs image files as they are; each is decoded once, so that a bad one shows now."""

    def size(self, count: int) -> int:
        """Returns 0: it is not known before they are read."""
        return 0

    def write(
        self, path: Path, source: LabelledImages, rows: range, threads: int, advance: Advance
    ) -> Written:
        """Writes contents, and adds up the pixels that they decode to."""
        channels = source.image_shape[2]
        mode: images.ColorMode = "rgb" if channels == 3 else "grayscale"

        def process(part: range) -> tuple[list[bytes], np.ndarray, np.ndarray, int]:
            contents, total, pixels = [], np.zeros(channels, np.uint64), 0
            for index in (np.array(part) + rows.start).tolist():
                contents.append(content_of(source, index))
                image = _decoded(source, index, contents[-1], mode)
                total += image.sum(axis=(0, 1), dtype=np.uint64)
                pixels += image.shape[0] * image.shape[1]
            return contents, source.labels[np.array(part) + rows.start], total, pixels

        total, pixels = np.zeros(channels, np.uint64), 0
        check_names(path, source.label_names)
        with files.atomic_path(path) as temporary, open(temporary, "xb") as file:
            writer = ContentWriter(file, channels, source.label_names)
            with closing(read_ahead(process, chunks(len(rows), CHUNK), threads)) as found:
                for contents, labels, sums, count in found:
                    writer.add(contents, labels)
                    total += sums
                    pixels += count
                    advance(len(contents))
            sha256 = writer.finish()
        return Written(total, pixels, sha256)


def content_of(source: LabelledImages, index: int) -> bytes:
    """Returns the bytes of an image's file.

    Raises:
        ImageError: it can't be read; the message names it.
    """
    if isinstance(source, Subset):
        return content_of(source.source, int(source.indices[index]))
    try:
        if isinstance(source, EncodedImages):
            return source.content(index)
        return images.read_content(source.sample_id(index))
    except ImageError as error:
        raise ImageError(error.reason, name=source.sample_id(index)) from None


def _decoded(
    source: LabelledImages, index: int, content: bytes, mode: images.ColorMode
) -> np.ndarray:
    try:
        return images.decode(content, mode, source.bit_depth)
    except ImageError as error:
        raise ImageError(error.reason, name=source.sample_id(index)) from None
