"""Whether an exported model predicts what the run predicts, on real images."""

import logging

import attrs
import numpy as np

from dlcv.api import ArrayImages, Run, Subset, find_store
from dlcv.errors import DlcvError
from dlcv.interfaces import LabelledImages

logger = logging.getLogger(__name__)
MOST = 64
"""Images that are compared at most."""
TOLERANCE = 1e-3
"""The largest difference of a probability that is close."""


@attrs.frozen
class Parity:
    """How close an exported model is to the run.

    Attributes:
        images: How many images were compared.
        source: Which images these are.
        largest_difference: Of a probability, over all images and classes.
        same_top_class: For how many images both find the same class most probable.
        tolerance: The largest difference that is allowed.
    """

    images: int
    source: str
    largest_difference: float
    same_top_class: int
    tolerance: float = TOLERANCE


def images_to_compare(run: Run) -> tuple[LabelledImages, str]:
    """Returns some of the images that a run held out, and what they are.

    Where these can't be opened any more, scikit-learn's digits take their place, with a warning:
    that two programs compute the same shows on any images.
    """
    try:
        held_out = run.held_out()
    except DlcvError as error:
        logger.warning(
            "the run's held-out images can't be opened (%s): it is compared on scikit-learn's "
            "digits instead",
            error,
        )
        store = find_store("digits")
        pixels = np.asarray(store.open(store.splits()[0]).read(np.arange(MOST)))
        digits = list(np.repeat(pixels, run.channels, axis=-1))
        return ArrayImages(digits, [f"digit {i}" for i in range(MOST)]), "scikit-learn's digits"
    count = min(MOST, len(held_out))
    chosen = np.linspace(0, len(held_out) - 1, count).round().astype(np.int64)
    return Subset(held_out, chosen), "held-out images of the run"


def compare(of_run: np.ndarray, exported: np.ndarray, source: str, format: str) -> Parity:
    """Returns how close probabilities are, `(N, classes)` both.

    Raises:
        DlcvError: they are not close: a probability differs by more than `TOLERANCE`, or is no
            number, or another class is on top. Classes that the run itself tells apart by less
            than the tolerance may change places.
    """
    difference = float(np.max(np.abs(exported - of_run)))
    top = exported.argmax(axis=1)
    found = Parity(len(of_run), source, difference, int(np.sum(top == of_run.argmax(axis=1))))
    as_probable = np.take_along_axis(of_run, top[:, np.newaxis], 1)[:, 0]
    top_agrees = bool(np.all(as_probable >= of_run.max(axis=1) - TOLERANCE))
    if not (difference <= TOLERANCE and top_agrees):
        raise DlcvError(
            f"the {format} model's outputs differ from the run's: on {found.images} images a "
            f"probability differs by up to {difference:.3g} ({TOLERANCE:g} is allowed), and "
            f"{found.same_top_class} have the same top class; nothing was kept; choose "
            "another format"
        )
    return found
