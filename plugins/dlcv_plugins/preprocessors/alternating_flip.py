"""Mirror images in every other epoch."""

from typing import TYPE_CHECKING, Self

from dlcv.interfaces import Images, Preprocessor, evolve, plugin, state

if TYPE_CHECKING:
    import numpy as np

GOLDEN_RATIO = 0x9E3779B97F4A7C15
"""Of 2 to the power of 64; products with it look random in their first bits (Knuth)."""


@plugin
class AlternatingFlip(Preprocessor):
    """Swaps left and right of each image in every other epoch of training (Jordan 2024).

    Half of the images begin mirrored. So the network sees both sides of all images in any two
    epochs in a row, where `flip` shows the same side again for half of them.
    """

    mirrored: "np.ndarray | None" = state()

    def __call__(self, images: Images, rng: "np.random.Generator | None" = None) -> Images:
        """Leaves the images as they are; a batch is mirrored after all other steps."""
        return images

    def at(self, epoch: int, indices: "np.ndarray") -> Self:
        """Chooses the images that are mirrored in an epoch, by their place among all."""
        import numpy as np

        first = indices.astype(np.uint64) * np.uint64(GOLDEN_RATIO) >> np.uint64(63)
        return evolve(self, mirrored=(first + np.uint64(epoch)) % 2 == 1)

    def mix(
        self, images: "np.ndarray", labels: "np.ndarray", rng: "np.random.Generator"
    ) -> "tuple[np.ndarray, np.ndarray]":
        """Mirrors what `at` chose, or half of the images at random; labels stay."""
        mirrored = rng.random(len(images)) < 0.5 if self.mirrored is None else self.mirrored
        images = images.copy()
        images[mirrored] = images[mirrored, :, ::-1]
        return images, labels
