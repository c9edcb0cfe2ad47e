"""Resizing that ignores the aspect ratio."""

from typing import TYPE_CHECKING, Self

from dlcv import images
from dlcv.interfaces import ImagePreprocessor, Shape, Size, evolve, option, plugin

if TYPE_CHECKING:
    import numpy as np


@plugin
class Simple(ImagePreprocessor):
    """Resizes to the given size, ignoring the aspect ratio."""

    size: int | tuple[int, int] | None = option(
        None, help="height and width in pixels; the network's input size if left out", ge=1
    )
    interpolation: images.Interpolation = option("area", help="how pixels are combined")

    def process(self, image: "np.ndarray", rng: "np.random.Generator | None") -> "np.ndarray":
        """Resizes one image, `(H, W, C)` uint8."""
        assert self.size is not None
        return images.resize(image, images.pair(self.size), self.interpolation)

    def with_output_size(self, size: Size) -> Self:
        """Fills in a size that was left open."""
        return evolve(self, size=size) if self.size is None else self

    def output_shape(self, shape: Shape) -> Shape:
        """Every image gets the size, if it is known."""
        return (*images.pair(self.size), shape[2]) if self.size is not None else shape
