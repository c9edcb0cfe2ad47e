"""Checks of groupings, on a few made-up images.

PYTEST_DONT_REWRITE: what fails is told in whole sentences.
"""

from collections.abc import Sequence

from dlcv.errors import DlcvError
from dlcv.interfaces import DatasetStore, Images, LabelledImages, Plugin, plugin
from dlcv.testing import Check
from dlcv_plugins.kinds.grouping import Grouping


def checks(cls: type[Plugin]) -> tuple[Check, ...]:
    """Returns the checks for groupings."""
    return (check_ids_are_whole_numbers_and_repeatable,)


def check_ids_are_whole_numbers_and_repeatable(grouping: Grouping) -> None:
    """Each image has a number, the same each time; that the rule doesn't apply is a `DlcvError`."""
    import numpy as np

    store = _Noise()
    images = store.open("all")
    try:
        first, again = (np.asarray(grouping.group_ids(images, store, 2)) for _ in range(2))
    except DlcvError:
        return
    assert first.shape == (len(images),), (
        f"{grouping} returns numbers of shape {first.shape} for {len(images)} images"
    )
    assert first.dtype.kind in "iu", f"{grouping} returns {first.dtype}, which are no whole numbers"
    assert np.array_equal(first, again), f"{grouping} returns other groups for the same images"


@plugin
class _Noise(DatasetStore):
    """Images of noise, of which two are the same."""

    def splits(self) -> tuple[str, ...]:
        return ("all",)

    def open(self, split: str) -> LabelledImages:
        return _Images()


class _Images(LabelledImages):
    """Twelve images of two classes."""

    def __init__(self) -> None:
        import numpy as np

        self.labels = np.arange(12) % 2
        self.label_names = ("a", "b")
        self.image_shape = (20, 20, 3)

    def read(self, indices: Sequence[int]) -> Images:  # type: ignore[override]
        import numpy as np

        seeds = [int(index) % 11 for index in indices]
        return np.stack(
            [np.random.default_rng(n).integers(0, 256, (20, 20, 3), np.uint8) for n in seeds]
        )

    def sample_id(self, index: int) -> str:
        return f"{'ab'[index % 2]}/group{index // 4}/{index}.png"

    def fingerprint(self) -> str:
        return "images of noise"
