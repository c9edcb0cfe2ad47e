"""The single operations of `color`, `rand_augment` and `trivial_augment`.

Each takes images of one size, `(N, H, W, 3)` or `(N, H, W, 1)` uint8, and a value for each, `(N,)`;
it returns as many images, or the same array where there is nothing to do. They compute what
Pillow's `ImageOps`, `ImageEnhance` and `Image.transform` compute, on which the papers' figures
rest, to within one grey level.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from dlcv.interfaces import Images, stack
from dlcv_plugins.preprocessors import affine

if TYPE_CHECKING:
    import numpy as np

CUT_OFF = -0.4999
"""Added where Pillow cuts fractions off, since OpenCV rounds to the nearest number."""
FEW_PIXELS = 16384
"""Pixels that are worked on at once; more would not stay in a processor's cache."""


def apply(
    images: Images, names: Sequence[str], values: "Sequence[float] | np.ndarray", fill: int
) -> Images:
    """Applies one operation to each image.

    Args:
        images: `(N, H, W, C)` uint8, or a list of `(H, W, C)` where sizes differ.
        names: `identity`, or of `PIXEL_OPERATIONS` and `GEOMETRIC_OPERATIONS`; one an image.
        values: What the operations take, one an image; not used where they take nothing.
        fill: The grey level where a geometric operation has no pixel to show.
    """
    import numpy as np

    every = np.asarray(values, np.float64)
    results = list(images)
    for name in sorted(set(names) - {"identity"}):
        for rows in batches(images, [i for i, own in enumerate(names) if own == name]):
            some = np.stack([images[i] for i in rows])
            if name in GEOMETRIC_OPERATIONS:
                changed = GEOMETRIC_OPERATIONS[name](some, every[rows], fill)
            else:
                changed = PIXEL_OPERATIONS[name](some, every[rows])
            for i, image in zip(rows, changed, strict=True):
                results[i] = image
    return stack(results)


def batches(images: Images, rows: Sequence[int]) -> Iterator[Sequence[int]]:
    """Divides rows of a batch into parts, each of images of one size and of few pixels."""
    import numpy as np

    at_once = 1
    if isinstance(images, np.ndarray):
        at_once = max(1, FEW_PIXELS // (images.shape[1] * images.shape[2]))
    for start in range(0, len(rows), at_once):
        yield rows[start : start + at_once]


def brightness(images: "np.ndarray", factors: "np.ndarray") -> "np.ndarray":
    """Multiplies images with factors: 0 gives black, 1 the image itself."""
    import numpy as np

    return _blend(np.zeros(len(images)), images, factors)


def contrast(images: "np.ndarray", factors: "np.ndarray") -> "np.ndarray":
    """Multiplies the distances from an image's mean grey with factors: 0 gives that grey."""
    import cv2
    import numpy as np

    count, height, width, _ = images.shape
    rows = cv2.reduce(_grey(images).reshape(-1, width), 1, cv2.REDUCE_SUM, dtype=cv2.CV_32F)
    means = rows.reshape(count, height).sum(axis=1, dtype=np.float64) / (height * width)
    return _blend(np.floor(means + 0.5), images, factors)


def saturation(images: "np.ndarray", factors: "np.ndarray") -> "np.ndarray":
    """Multiplies the distances from each pixel's grey with factors: 0 gives a grey image."""
    import cv2

    if images.shape[3] == 1:
        return images
    grey = cv2.cvtColor(_grey(images).reshape(-1, images.shape[2]), cv2.COLOR_GRAY2RGB)
    return _blend(grey.reshape(images.shape), images, factors)


def sharpness(images: "np.ndarray", factors: "np.ndarray") -> "np.ndarray":
    """Multiplies the distances from a smoothed image with factors: 0 gives that, 2 sharpens.

    It is smoothed with the weights 1, 1, 1; 1, 5, 1; 1, 1, 1 over 13, but for the border.
    """
    import cv2
    import numpy as np

    if min(images.shape[1:3]) < 3:
        return images
    kernel = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], np.float32) / 13
    smooth = images.copy()
    for image, result in zip(images, smooth, strict=True):
        inner = cv2.filter2D(image, -1, kernel).reshape(image.shape)[1:-1, 1:-1]
        result[1:-1, 1:-1] = inner
    return _blend(smooth, images, factors)


def hue(images: "np.ndarray", turns: "np.ndarray") -> "np.ndarray":
    """Turns the hues in HSV by fractions of the color circle: 1/3 makes red green, green blue.

    It is computed in float32: bytes for hue and saturation would change colors by up to 6 levels.
    """
    import cv2
    import numpy as np

    if images.shape[3] == 1:
        return images
    # OpenCV counts hues in degrees, and takes those beyond 360 but none below 0.
    degrees = (turns % 1 * 360)[:, np.newaxis].astype(np.float32)
    pixels = images.reshape(len(images), -1, 3)
    turned = np.empty_like(pixels)
    for start in range(0, pixels.shape[1], FEW_PIXELS):
        part = slice(start, start + FEW_PIXELS)
        hsv = cv2.cvtColor(pixels[:, part].astype(np.float32), cv2.COLOR_RGB2HSV)
        hsv[..., 0] += degrees
        cv2.convertScaleAbs(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), turned[:, part])
    return turned.reshape(images.shape)


def auto_contrast(images: "np.ndarray", values: "np.ndarray") -> "np.ndarray":
    """Stretches each channel so that its darkest value becomes 0 and its lightest 255."""
    import cv2
    import numpy as np

    ends = [cv2.minMaxLoc(image[..., c])[:2] for image in images for c in range(image.shape[2])]
    low, high = np.array(ends).T[..., np.newaxis]
    flat = high <= low
    scale = np.where(flat, 1.0, 255.0 / np.where(flat, 1.0, high - low))
    stretched = np.arange(256) * scale + np.where(flat, 0.0, -low * scale)
    return _look_up(images, stretched.clip(0, 255).astype(np.uint8))


def equalize(images: "np.ndarray", values: "np.ndarray") -> "np.ndarray":
    """Spreads each channel's values so that all are about equally frequent."""
    import cv2
    import numpy as np

    tables = []
    for image in images:
        for channel in range(image.shape[2]):
            counts = cv2.calcHist([image], [channel], None, [256], [0, 256])
            counts = counts.astype(np.int64).ravel()
            # How many pixels share a grey level; those of the lightest value do not count.
            step = int(counts.sum() - counts[counts.nonzero()[0][-1]]) // 255
            below = counts.cumsum() - counts
            tables.append((below + step // 2) // step if step else np.arange(256))
    return _look_up(images, np.stack(tables).clip(0, 255).astype(np.uint8))


def posterize(images: "np.ndarray", bits: "np.ndarray") -> "np.ndarray":
    """Keeps the highest bits of each value; 8 of them are the image itself."""
    import numpy as np

    return images & (256 - 2 ** (8 - bits)).astype(np.uint8)[:, None, None, None]


def solarize(images: "np.ndarray", thresholds: "np.ndarray") -> "np.ndarray":
    """Inverts the values from a threshold on: 256 leaves the image, 0 gives its negative."""
    import numpy as np

    levels = np.arange(256)
    tables = np.where(levels < thresholds[:, None], levels, 255 - levels).astype(np.uint8)
    return _look_up(images, tables.repeat(images.shape[3], axis=0))


def rotate(images: "np.ndarray", degrees: "np.ndarray", fill: int) -> Images:
    """Turns images about their middle, counter-clockwise."""
    return _warp(images, affine.rotation(degrees), fill)


def shear_x(images: "np.ndarray", factors: "np.ndarray", fill: int) -> Images:
    """Moves each row to the left by a factor of its distance from the top."""
    from_top = affine.translation(-factors * images.shape[1] / 2, 0)
    return _warp(images, affine.compose(affine.shear_x(factors), from_top), fill)


def shear_y(images: "np.ndarray", factors: "np.ndarray", fill: int) -> Images:
    """Moves each column up by a factor of its distance from the left."""
    from_left = affine.translation(0, -factors * images.shape[2] / 2)
    return _warp(images, affine.compose(affine.shear_y(factors), from_left), fill)


def translate_x(images: "np.ndarray", pixels: "np.ndarray", fill: int) -> Images:
    """Moves images to the right."""
    return _warp(images, affine.translation(pixels, 0), fill)


def translate_y(images: "np.ndarray", pixels: "np.ndarray", fill: int) -> Images:
    """Moves images down."""
    return _warp(images, affine.translation(0, pixels), fill)


PIXEL_OPERATIONS: "dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]]" = {
    "auto_contrast": auto_contrast,
    "equalize": equalize,
    "solarize": solarize,
    "color": saturation,
    "posterize": posterize,
    "contrast": contrast,
    "brightness": brightness,
    "sharpness": sharpness,
}
"""The papers' operations that change colors, by the papers' names."""
GEOMETRIC_OPERATIONS: "dict[str, Callable[[np.ndarray, np.ndarray, int], Images]]" = {
    "rotate": rotate,
    "shear_x": shear_x,
    "shear_y": shear_y,
    "translate_x": translate_x,
    "translate_y": translate_y,
}
"""The papers' operations that move pixels; they also take the grey level of what comes in."""
NAMES = ("identity", *PIXEL_OPERATIONS, *GEOMETRIC_OPERATIONS)
"""The 14 operations of both papers."""


def _blend(others: "np.ndarray", images: "np.ndarray", factors: "np.ndarray") -> "np.ndarray":
    """Returns `other + factor * (image - other)`, cut to 0 to 255, of each image.

    Args:
        others: Images `(N, H, W, C)` uint8, or a grey level for each, `(N,)`.
        images: `(N, H, W, C)` uint8.
        factors: `(N,)`; outside 0 to 1 the result is outside the two.
    """
    import cv2
    import numpy as np

    rest = 1 - factors
    shares, shifts = rest, np.zeros(len(images))
    if others.ndim == 1:
        others, shares, shifts = images, shifts, rest * others
    results = np.empty(images.shape, np.uint8)
    numbers = zip(factors.tolist(), shares.tolist(), (shifts + CUT_OFF).tolist(), strict=True)
    for image, other, (factor, share, shift), result in zip(
        images, others, numbers, results, strict=True
    ):
        cv2.addWeighted(image, factor, other, share, shift, result)
    return results


def _grey(images: "np.ndarray") -> "np.ndarray":
    """Returns grey images, `(N, H, W)`: 0.299 red, 0.587 green, 0.114 blue."""
    import cv2

    count, height, width, channels = images.shape
    if channels == 1:
        return images[..., 0]
    tall = images.reshape(count * height, width, channels)
    return cv2.cvtColor(tall, cv2.COLOR_RGB2GRAY).reshape(count, height, width)


def _look_up(images: "np.ndarray", tables: "np.ndarray") -> "np.ndarray":
    """Replaces each value by the one in its channel's table, `(N * C, 256)` uint8."""
    import cv2
    import numpy as np

    channels = images.shape[3]
    by_image = tables.reshape(-1, channels, 256).transpose(0, 2, 1)
    results = np.empty(images.shape, np.uint8)
    for image, table, result in zip(images, by_image, results, strict=True):
        cv2.LUT(image, np.ascontiguousarray(table).reshape(1, 256, channels), result)
    return results


def _warp(images: "np.ndarray", matrices: "np.ndarray", fill: int) -> Images:
    """Warps as the papers' programs do, without interpolation."""
    return affine.warp(images, matrices, "constant", fill, "nearest")
