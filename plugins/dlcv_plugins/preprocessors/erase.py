"""Random erasing."""

from typing import TYPE_CHECKING, Literal, Self

from dlcv.interfaces import (
    Images,
    OptionError,
    PreparationContext,
    Preprocessor,
    evolve,
    option,
    plugin,
    stack,
    state,
)
from dlcv_plugins.preprocessors.fill import (
    FillValue,
    check_fill,
    fill_or_mean,
    training_mean,
)

if TYPE_CHECKING:
    import numpy as np

ATTEMPTS = 100
"""How many rectangles are tried until one fits into the image, as in the authors' program."""


@plugin
class Erase(Preprocessor):
    """Erases a rectangle of an image at random in training (random erasing).

    Zhong et al. 2017, "Random Erasing Data Augmentation". Area, aspect ratio and a corner are drawn
    evenly; a rectangle that does not fit into the image is drawn anew, all of it.
    """

    probability: float = option(0.5, help="share of the images that lose something", ge=0, le=1)
    smallest: float = option(0.02, help="smallest area, fraction of the image", gt=0, le=1)
    largest: float = option(0.4, help="largest area, fraction of the image", gt=0, le=1)
    ratio: float = option(
        0.3, help="smallest ratio of height to width; the largest is 1 / ratio", gt=0, le=1
    )
    fill_mode: Literal["random", "constant"] = option(
        "random", help="a random value for each pixel and channel, or one color"
    )
    fill_value: FillValue | None = option(
        None,
        help="grey level of constant, or one a channel; the training mean if not given",
        ge=0,
        le=255,
    )
    mean: "np.ndarray | None" = state()

    def __attrs_post_init__(self) -> None:
        """Refuses a range of areas that is empty, and a color that would not be used."""
        check_fill("Erase", self.fill_mode, self.fill_value)
        if self.smallest > self.largest:
            raise OptionError(
                "Erase", "smallest", f"{self.smallest} is more than largest ({self.largest})"
            )

    def __call__(self, images: Images, rng: "np.random.Generator | None" = None) -> Images:
        """Erases in training; otherwise images stay as they are."""
        if rng is None:
            return images
        import numpy as np

        results = images.copy() if isinstance(images, np.ndarray) else [i.copy() for i in images]
        chosen = np.flatnonzero(rng.random(len(images)) < self.probability)
        sizes = np.array([results[index].shape[:2] for index in chosen]).reshape(-1, 2)
        for index, (top, left, height, width) in zip(
            chosen, self._rectangles(sizes, rng).tolist(), strict=True
        ):
            region = results[index][top : top + height, left : left + width]
            region[:] = self._content(region.shape, rng)
        return results if isinstance(results, np.ndarray) else stack(results)

    def prepare(self, context: PreparationContext) -> Self:
        """Takes the mean over the training images, where rectangles are filled with it."""
        if self.fill_mode != "constant" or self.fill_value is not None or self.mean is not None:
            return self
        return evolve(self, mean=training_mean(context))

    def _rectangles(self, sizes: "np.ndarray", rng: "np.random.Generator") -> "np.ndarray":
        """Returns `(top, left, height, width)` for each `(height, width)` of an image, `(N, 4)`.

        Where none fitted, as into an image one pixel high, it is empty.
        """
        import numpy as np

        rectangles = np.zeros((len(sizes), 4), int)
        waiting = np.arange(len(sizes))
        for _ in range(ATTEMPTS):
            if not len(waiting):
                break
            size = sizes[waiting]
            area = rng.uniform(self.smallest, self.largest, len(waiting)) * size.prod(axis=1)
            ratio = rng.uniform(self.ratio, 1 / self.ratio, len(waiting))
            sides = np.rint(np.sqrt(np.stack([area * ratio, area / ratio], axis=1))).astype(int)
            corner = rng.integers(0, size)
            fits = (corner + sides <= size).all(axis=1)
            rectangles[waiting[fits]] = np.hstack([corner, sides])[fits]
            waiting = waiting[~fits]
        return rectangles

    def _content(
        self, shape: tuple[int, ...], rng: "np.random.Generator"
    ) -> "np.ndarray | tuple[int, ...]":
        import numpy as np

        if self.fill_mode == "random":
            return rng.integers(0, 256, shape, np.uint8)
        return fill_or_mean("erase", self.fill_value, self.mean, shape[-1])
