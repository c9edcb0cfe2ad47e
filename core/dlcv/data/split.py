"""Dividing a data set: stratified, seeded, test first and validation from what is left."""

import logging

import numpy as np

from dlcv.config import SplitConfig
from dlcv.data.subset import Subset
from dlcv.errors import DlcvError
from dlcv.interfaces import UNSPLIT, LabelledImages

logger = logging.getLogger(__name__)


def divide(opened: dict[str, LabelledImages], config: SplitConfig) -> dict[str, LabelledImages]:
    """Returns `train`, `val` and, where there is one, `test`.

    An undivided set, or one of training images only, gives all three. Of a divided one, a missing
    validation part is taken from the training part, and a missing test part stays missing.

    Raises:
        DlcvError: a class has too few images for the shares asked.
    """
    if set(opened) <= {UNSPLIT, "train"}:
        (images,) = opened.values()
        everything = np.arange(len(images))
        rest, test = _part(images, everything, config.test, "test", config.seed, len(images))
        train, val = _part(images, rest, config.validation, "val", config.seed, len(images))
        return {name: Subset(images, i) for name, i in zip(
            ("train", "val", "test"), (train, val, test), strict=True
        )}  # fmt: skip
    if "val" in opened:
        return opened
    images = opened["train"]
    logger.info("validation images are taken from the training images")
    everything = np.arange(len(images))
    train, val = _part(images, everything, config.validation, "val", config.seed, len(images))
    return {**opened, "train": Subset(images, train), "val": Subset(images, val)}


def _part(
    images: LabelledImages, indices: np.ndarray, share: float, name: str, seed: int, total: int
) -> tuple[np.ndarray, np.ndarray]:
    """Divides `indices` into a rest and a stratified part of `share` of `total` images."""
    from sklearn.model_selection import train_test_split

    labels = images.labels[indices]
    wanted = round(share * total) if isinstance(share, float) else share
    if isinstance(share, float) and share >= 1:
        raise DlcvError(
            f"a share of {share} for {name} is not below 1; write {int(share)} for a number"
        )
    classes = len(images.label_names)
    counts = np.bincount(labels, minlength=classes)
    if counts.min() < 2:
        smallest = images.label_names[int(counts.argmin())]
        raise DlcvError(
            f'the class "{smallest}" has {counts.min()} images left, too few to give one to {name}'
        )
    if not classes <= wanted <= len(indices) - classes:
        raise DlcvError(
            f"{name} would have {wanted} of {len(indices)} images; "
            f"with {classes} classes it needs at least {classes}, and must leave as many"
        )
    rest, part = train_test_split(
        indices, test_size=wanted, stratify=labels, random_state=seed, shuffle=True
    )
    for kind, chosen in ((name, part), ("training", rest)):
        numbers = np.bincount(images.labels[chosen], minlength=classes)
        if not numbers.all():
            smallest = images.label_names[int(numbers.argmin())]
            raise DlcvError(
                f'the class "{smallest}" has {counts[numbers.argmin()]} images, too few to give '
                f"one to {kind}; add images, or ask for a larger share"
            )
    return np.sort(rest), np.sort(part)
