"""Random rotation, shift, shear and zoom, all in one warp; and warps for other steps."""

from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from dlcv.interfaces import (
    Images,
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
    from numpy.typing import ArrayLike

FillMode: TypeAlias = Literal["nearest", "constant", "reflect", "wrap"]
Interpolation: TypeAlias = Literal["linear", "nearest"]
USUAL = {"rotation": 15.0, "width_shift": 0.1, "height_shift": 0.1, "zoom": 0.1}
"""What is done where nothing is asked for."""


@plugin
class Affine(Preprocessor):
    """Rotates, shifts, shears and zooms each image at random in training, in one warp.

    Amounts are drawn evenly between minus and plus the option's value, for each image anew, as
    Keras's `ImageDataGenerator` does; what is not given is not done. Where none is given, a
    rotation of 15 degrees, shifts of 0.1 and a zoom of 0.1 are.
    """

    rotation: float | None = option(None, help="largest turn to either side, degrees", ge=0, le=180)
    width_shift: float | None = option(
        None, help="largest shift left or right, fraction of the width", ge=0, le=1
    )
    height_shift: float | None = option(
        None, help="largest shift up or down, fraction of the height", ge=0, le=1
    )
    shear: float | None = option(None, help="largest slant to either side, degrees", ge=0, lt=90)
    zoom: float | None = option(
        None, help="each side shows 1 - zoom to 1 + zoom of what it showed", ge=0, lt=1
    )
    fill_mode: FillMode = option(
        "nearest", help="what comes in from outside: the edge's pixel, one color, or the image"
    )
    fill_value: FillValue | None = option(
        None,
        help="grey level of constant, or one a channel; the training mean if not given",
        ge=0,
        le=255,
    )
    interpolation: Interpolation = option("linear", help="how values between pixels are found")
    mean: "np.ndarray | None" = state()

    def __attrs_post_init__(self) -> None:
        """Writes the usual amounts into a step that names none, so that a run records them."""
        check_fill("Affine", self.fill_mode, self.fill_value)
        if all(getattr(self, name) is None for name in (*USUAL, "shear")):
            for name, value in USUAL.items():
                object.__setattr__(self, name, value)

    def __call__(self, images: Images, rng: "np.random.Generator | None" = None) -> Images:
        """Warps each image in training; otherwise they stay as they are."""
        if rng is None or len(images) == 0:
            return images
        fill: FillValue = 0
        if self.fill_mode == "constant":
            fill = fill_or_mean("affine", self.fill_value, self.mean, images[0].shape[-1])
        matrices = self._draw(_sizes(images), rng)
        return warp(images, matrices, self.fill_mode, fill, self.interpolation)

    def prepare(self, context: PreparationContext) -> Self:
        """Takes the mean over the training images, where it is what comes in from outside."""
        if self.fill_mode != "constant" or self.fill_value is not None or self.mean is not None:
            return self
        return evolve(self, mean=training_mean(context))

    def _draw(self, sizes: "np.ndarray", rng: "np.random.Generator") -> "np.ndarray":
        """Returns a matrix for each `(width, height)`, `(N, 2, 3)`, in Keras's order of steps."""
        turn, right, down, slant, wide, high = rng.uniform(-1, 1, (6, len(sizes)))
        zoom_range = self.zoom or 0
        return compose(
            rotation(turn * (self.rotation or 0)),
            translation(
                right * (self.width_shift or 0) * sizes[:, 0],
                down * (self.height_shift or 0) * sizes[:, 1],
            ),
            shear(slant * (self.shear or 0)),
            zoom(1 / (1 + wide * zoom_range), 1 / (1 + high * zoom_range)),
        )


def warp(
    images: Images,
    matrices: "np.ndarray",
    fill_mode: FillMode = "nearest",
    fill_value: FillValue = 0,
    interpolation: Interpolation = "linear",
) -> Images:
    """Warps each image by a matrix of its own; sizes stay.

    Coordinates are in pixels, x to the right, y down, from the image's center, which for an image
    of width W lies at column `(W - 1) / 2`: between the two middle pixels where W is even. So a
    turn by 90 degrees moves every pixel of a square exactly onto another.

    Args:
        images: `(N, H, W, C)` uint8, or a list of `(H, W, C)` where sizes differ; not empty.
        matrices: `(N, 2, 3)` float. **From output to input**: row 0 tells the x, row 1 the y in the
            input of what appears at `(x, y, 1)` in the output, as in Pillow and SciPy. `rotation`,
            `translation`, `shear`, `shear_x`, `shear_y`, `zoom` and `compose` make such matrices.
        fill_mode: What comes in from outside: `nearest` the edge's pixel, `constant` the fill
            value, `reflect` the mirrored image (its edge twice), `wrap` the other end.
        fill_value: A grey level from 0 to 255, or one for each channel.
        interpolation: `linear` or `nearest`.

    Returns:
        As many new images of the same sizes.
    """
    import cv2
    import numpy as np

    border = {
        "nearest": cv2.BORDER_REPLICATE,
        "constant": cv2.BORDER_CONSTANT,
        "reflect": cv2.BORDER_REFLECT,
        "wrap": cv2.BORDER_WRAP,
    }[fill_mode]
    flags = {"linear": cv2.INTER_LINEAR, "nearest": cv2.INTER_NEAREST}[interpolation]
    flags |= cv2.WARP_INVERSE_MAP
    channels = images[0].shape[-1]
    value = (fill_value,) * channels if isinstance(fill_value, int) else fill_value
    results: Images
    if isinstance(images, np.ndarray):
        results = np.empty(images.shape, np.uint8)
    else:
        results = [np.empty(image.shape, np.uint8) for image in images]
    sizes = _sizes(images)
    # All that can be is done for the whole batch: this loop decides how fast training is fed.
    warp_one = cv2.warpAffine
    for image, matrix, size, result in zip(
        images, _from_corner(matrices, sizes), sizes.tolist(), results, strict=True
    ):
        warp_one(image, matrix, size, result, flags, border, value)
    return results if isinstance(results, np.ndarray) else stack(results)


def rotation(degrees: "ArrayLike") -> "np.ndarray":
    """Returns matrices that turn pictures counter-clockwise; `(N,)` degrees to `(N, 2, 3)`."""
    import numpy as np

    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return _matrices(cosine, -sine, 0, sine, cosine, 0)


def translation(right: "ArrayLike", down: "ArrayLike") -> "np.ndarray":
    """Returns matrices that move pictures to the right and down; `(N,)` pixels."""
    import numpy as np

    return _matrices(1, 0, np.negative(right), 0, 1, np.negative(down))


def shear(degrees: "ArrayLike") -> "np.ndarray":
    """Returns matrices that slant pictures as Keras does; `(N,)` degrees.

    Columns turn counter-clockwise and rows stay rows, further apart by the cosine's inverse.
    """
    import numpy as np

    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return _matrices(1, -sine, 0, 0, cosine, 0)


def shear_x(factors: "ArrayLike") -> "np.ndarray":
    """Returns matrices by which row `y` below center shows what was `factor * y` right."""
    return _matrices(1, factors, 0, 0, 1, 0)


def shear_y(factors: "ArrayLike") -> "np.ndarray":
    """Returns matrices by which column `x` right of center shows what was `factor * x` lower."""
    return _matrices(1, 0, 0, factors, 1, 0)


def zoom(horizontally: "ArrayLike", vertically: "ArrayLike") -> "np.ndarray":
    """Returns matrices that enlarge pictures by `(N,)` factors about their center."""
    import numpy as np

    return _matrices(np.divide(1, horizontally), 0, 0, 0, np.divide(1, vertically), 0)


def compose(*steps: "np.ndarray") -> "np.ndarray":
    """Returns all steps in one, `(N, 2, 3)`; the first one is done to the picture first."""
    first, *rest = steps
    for step in rest:
        moved = first[:, :, :2] @ step
        moved[:, :, 2] += first[:, :, 2]
        first = moved
    return first


def _matrices(*entries: "ArrayLike") -> "np.ndarray":
    """Returns `(N, 2, 3)` matrices of six entries in reading order, each a number or `(N,)`."""
    import numpy as np

    matrices = np.empty((max(map(np.size, entries)), 6))
    for column, entry in enumerate(entries):
        matrices[:, column] = entry
    return matrices.reshape(-1, 2, 3)


def _from_corner(matrices: "np.ndarray", sizes: "np.ndarray") -> "np.ndarray":
    """Returns matrices for coordinates from the first pixel's center, as OpenCV has them."""
    centers = (sizes - 1) / 2
    moved = matrices.astype("float64")
    moved[:, :, 2] += centers - (matrices[:, :, :2] @ centers[:, :, None])[:, :, 0]
    return moved


def _sizes(images: Images) -> "np.ndarray":
    """Returns the `(width, height)` of each image, `(N, 2)`."""
    import numpy as np

    if isinstance(images, np.ndarray):
        return np.full((len(images), 2), images.shape[2:0:-1])
    return np.array([image.shape[1::-1] for image in images])
