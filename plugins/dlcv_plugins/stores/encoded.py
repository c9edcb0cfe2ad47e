"""Images whose files lie within larger files: archives, tables, packed sets."""

import hashlib
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from dlcv import images
from dlcv.errors import ImageError
from dlcv.interfaces import Images, stack
from dlcv_plugins.stores.byte_files import AT_ONCE, sampled

if TYPE_CHECKING:
    import numpy as np

MOST_SAMPLED = 256
"""Contents that a fingerprint is made of, besides what names and lengths tell."""
BYTES_PER_PIXEL = 8
"""Of the largest image without compression: four channels of 16 bits."""


class EncodedImages(images.ImageFiles):
    """Images of which a file's bytes are found by index, and decoded when they are read.

    Attributes:
        readers: Contents that are read at once, more than one where they are far away.
    """

    readers: int = 1

    def __init__(
        self,
        labels: "np.ndarray",
        label_names: Sequence[str],
        *,
        color_mode: images.ColorMode = "rgb",
        bit_depth: images.BitDepth = images.ALL_BITS,
    ) -> None:
        """Takes what `dlcv.images.ImageFiles` takes, but for paths."""
        super().__init__((), labels, label_names, color_mode=color_mode, bit_depth=bit_depth)

    @abstractmethod
    def content(self, index: int) -> bytes:
        """Returns the bytes of an image's file; may be called from several threads at once.

        Raises:
            ImageError: they can't be read, or are damaged; the message does not name the image.
        """

    @abstractmethod
    def sample_id(self, index: int) -> str:
        """Returns the larger file, and the place in it."""

    def read(self, indices: "Sequence[int] | np.ndarray") -> Images:
        """Decodes images by index."""
        decoded = []
        contents = self._contents([int(index) for index in indices])
        for position, (index, content) in enumerate(zip(indices, contents, strict=True)):
            try:
                if isinstance(content, ImageError):
                    raise content
                decoded.append(images.decode(content, self._color_mode, self.bit_depth))
            except ImageError as error:
                name = self.sample_id(int(index))
                raise ImageError(error.reason, name=name, index=position) from None
        return stack(decoded)

    def _contents(self, indices: list[int]) -> Iterator[bytes | ImageError]:
        """Yields contents, or why they can't be read."""
        if self.readers == 1 or len(indices) == 1:
            yield from map(self._content, indices)
            return
        with ThreadPoolExecutor(self.readers) as executor:
            yield from executor.map(self._content, indices)

    def _content(self, index: int) -> bytes | ImageError:
        try:
            return self.content(index)
        except ImageError as error:
            return error

    def fingerprint(self) -> str:
        """Returns a hash of labels, of what `identity` tells, and of some contents."""
        import numpy as np

        digest = hashlib.sha256(self.labels.astype("<i8").tobytes())
        digest.update(repr((self.label_names, self.image_shape[2], self.bit_depth)).encode())
        digest.update(self.identity())
        count = min(len(self), MOST_SAMPLED)
        some = np.linspace(0, len(self) - 1, count, dtype=np.int64).tolist()
        with sampled():
            for start in range(0, count, AT_ONCE):
                for content in self._contents(some[start : start + AT_ONCE]):
                    if isinstance(content, ImageError):
                        digest.update(b"unreadable")
                    else:
                        digest.update(hashlib.sha256(content).digest())
        return digest.hexdigest()

    @abstractmethod
    def identity(self) -> bytes:
        """Returns what tells these contents from others without reading them: their lengths."""

    def earlier_fingerprints(self) -> tuple[str, ...]:
        """Returns none: there were no such images before."""
        return ()


def largest_content() -> int:
    """Returns how many bytes an image's file may have, those of the largest image's pixels."""
    return images.largest_image_pixels() * BYTES_PER_PIXEL + 1_000_000
