"""Random noise."""

import functools
import math
from typing import TYPE_CHECKING

from dlcv.interfaces import Images, Preprocessor, option, plugin, stack

if TYPE_CHECKING:
    import numpy as np

TABLE_SIZE = 65_536
"""How many values of noise are told apart by their probability; two random bytes choose one."""


@plugin
class Noise(Preprocessor):
    """Adds Gaussian noise to each pixel and channel in training."""

    stddev: float = option(8.0, help="standard deviation of the noise, grey levels", gt=0, le=255)

    def __call__(self, images: Images, rng: "np.random.Generator | None" = None) -> Images:
        """Adds noise in training; otherwise images stay as they are."""
        if rng is None or len(images) == 0:
            return images
        import numpy as np

        if isinstance(images, np.ndarray):
            return self._noisy(images, rng)
        return stack([self._noisy(image, rng) for image in images])

    def _noisy(self, pixels: "np.ndarray", rng: "np.random.Generator") -> "np.ndarray":
        """Returns pixels of any shape with noise; what leaves 0 to 255 stays at that end."""
        import cv2
        import numpy as np

        draws = rng.integers(0, TABLE_SIZE, pixels.size, np.uint16)
        noise = _table(self.stddev).take(draws)
        flat = np.ascontiguousarray(pixels).reshape(-1)
        noisy: np.ndarray = cv2.add(flat, noise, dtype=cv2.CV_8U)
        return noisy.reshape(pixels.shape)


@functools.lru_cache(maxsize=8)
def _table(stddev: float) -> "np.ndarray":
    """Returns equally probable values of noise rounded to grey levels, `(TABLE_SIZE,)` int16.

    Normal deviates take NumPy several times as long as looking random numbers up. Rounding noise
    is exact, since pixels are whole numbers. Beyond 4.3 standard deviations nothing is drawn.
    """
    import numpy as np

    largest = math.ceil(5 * stddev)
    levels = np.arange(-largest, largest + 1)
    below = [0.5 * (1 + math.erf((k + 0.5) / (stddev * math.sqrt(2)))) for k in levels.tolist()]
    ends = np.rint(np.array(below) * TABLE_SIZE).astype(int)
    ends[-1] = TABLE_SIZE
    return np.repeat(levels.astype(np.int16), np.diff(ends, prepend=0))
