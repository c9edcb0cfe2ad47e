"""Dividing a data set: stratified, seeded, test first and validation from what is left.

Images that belong together, as groups say, come into one part.
"""

import logging
from collections.abc import Collection

import numpy as np

from dlcv import registry
from dlcv.config import SplitConfig
from dlcv.data.grouped import grouped_part, has_groups
from dlcv.data.small_classes import WAYS_TO_DIVIDE, counted, without_classes
from dlcv.data.subset import Subset
from dlcv.errors import DlcvError, some
from dlcv.interfaces import UNSPLIT, LabelledImages, evolve

logger = logging.getLogger(__name__)

PARTS = {"test": "test", "val": "validation", "train_val": "train_validation"}
"""The splits that are taken from the training images, in this order, and the options that say so.
"""
SPLIT_DEFAULTS = {"test": 0.2, "validation": 0.1}
"""What is taken where nothing is said and the data leaves it open."""
FAR_FROM_WISH = 0.1
"""A part that differs from what was asked for by more than this share of it is warned of."""


def settle(config: SplitConfig, splits: Collection[str]) -> SplitConfig:
    """Returns what is taken from the training images, by number or share, and None for the rest.

    What is left out in `config` gets its default where the data needs the part: validation images
    where it has none, test images where it has neither these nor validation images. So a data set
    of `train` and `val` stays as it is, unless a test part is asked for.

    Args:
        config: What was asked for.
        splits: The splits that the data has.

    Raises:
        DlcvError: a part is asked for that the data has already.
    """
    for split, option in PARTS.items():
        if split in splits and (asked := getattr(config, option)) is not None:
            raise DlcvError(
                f"the data has a {split} part of its own, so {option} = {asked} is of no use; "
                "leave it out, or name the training images alone as the data"
            )
    if config.validation == "test" and config.test == 0:
        raise DlcvError(
            "validation = test needs test images, and test = 0 takes none; "
            "for data without test images write validation = 0.2, say"
        )
    needed = {"validation"} if "val" not in splits else set()
    if not {"test", "val"} & set(splits):
        needed.add("test")
    return evolve(config, **{o: SPLIT_DEFAULTS[o] for o in needed if getattr(config, o) is None})


def give_way(config: SplitConfig, splits: Collection[str], options: Collection[str]) -> SplitConfig:
    """Returns a division whose `options` are left open where the data has that part already.

    For what a configuration says of its own data, when it is used with other data, whose order may
    be that of its classes: it is divided at random.
    """
    own = {o: None for split, o in PARTS.items() if split in splits and o in options}
    for option in own:
        if (asked := getattr(config, option)) is not None:
            logger.info(
                "%s = %s of the configuration is left out: the data has such a part", option, asked
            )
    if config.method == "last":
        logger.info("the images are divided at random: method = last is for the data's own order")
    return evolve(config, **own, method="stratified")


def is_divided(opened: Collection[str], config: SplitConfig) -> bool:
    """Returns whether `divide` takes images from those to train on, of a data set's splits."""
    return UNSPLIT in opened or any(
        (share := getattr(config, option)) and share != "test" for option in PARTS.values()
    )


def divide(
    opened: dict[str, LabelledImages],
    config: SplitConfig,
    groups: np.ndarray | None = None,
    *,
    announce: bool = True,
) -> dict[str, LabelledImages]:
    """Returns `train` and the other splits; those in `config` are taken from the training images.

    Args:
        opened: The splits that the data has.
        config: What to take, as `settle` gives it, and what becomes of classes that are too small.
        groups: `(N,)`: a number for each of the images that are divided; those of one number come
            into one part. None if each may come into any.
        announce: Whether what people should know of the division is logged; it was, where a run's
            data is divided again.

    Raises:
        DlcvError: a class has too few images, or too few groups, for the shares asked.
    """
    if config.validation == "test":
        divided = divide(opened, evolve(config, validation=None), groups, announce=announce)
        logger.info("the test images are the validation images, too; the test is not independent")
        return {**divided, "val": divided["test"]}
    if not is_divided(opened, config):
        return opened
    taken = {split: share for split, o in PARTS.items() if (share := getattr(config, o))}
    images = opened["train"] if "train" in opened else opened[UNSPLIT]
    if UNSPLIT not in opened:
        names = " and ".join(PARTS[split] for split in taken)
        logger.info("%s images are taken from the training images", names)
    if config.method == "last":
        if has_groups(groups):
            raise DlcvError("method = last keeps no groups of images together; leave groups out")
        return {**{k: v for k, v in opened.items() if k != UNSPLIT}, **_last(images, taken)}
    if groups is not None and groups.shape != (len(images),):
        problem = f"groups of {len(groups)} images, and the data has {len(images)} now"
        raise DlcvError(f"the run kept {problem}; start a new run")
    groups = groups if has_groups(groups) else None
    whole: list[int] = []
    indices, small = _parts(images, taken, config.seed, whole, groups)
    while small and config.small_classes != "error":
        whole = sorted({*whole, *small})
        indices, small = _parts(images, taken, config.seed, whole, groups)
    if few := [images.label_names[label] for label in whole or small]:
        counts = images.class_counts()
        named = counted({name: counts[name] for name in few})
        if small:
            has_enough = min(counts[name] for name in few) > len(taken)
            what = "groups of images" if groups is not None and has_enough else "images"
            raise DlcvError(f"too few {what} to be divided: {named}; {WAYS_TO_DIVIDE}")
        if config.small_classes == "skip":
            left = None if groups is None else groups[~np.isin(images.labels, whole)]
            return divide(without_classes(opened, few), config, left, announce=announce)
        if announce:
            logger.warning("used for training alone, with too few images to be divided: %s", named)
    parts = {split: Subset(images, chosen) for split, chosen in indices.items()}
    for split, share in taken.items() if announce and groups is not None else ():
        got = len(parts[split])
        wanted = round(share * len(images)) if isinstance(share, float) else share
        if abs(got - wanted) > FAR_FROM_WISH * wanted:
            why = "for groups of images stay together"
            logger.warning("%s has %d images instead of %d, %s", split, got, wanted, why)
    if announce:
        registry.registry.hooks().dlcv_divided(images=images, parts=parts)
    return {**{k: v for k, v in opened.items() if k != UNSPLIT}, **parts}


def _last(images: LabelledImages, taken: dict[str, float | int]) -> dict[str, LabelledImages]:
    """Divides without shuffling: each part is the last of what those before it left."""
    stop = len(images)
    parts: dict[str, LabelledImages] = {}
    for split, share in taken.items():
        # As many as Keras takes, whose split is at int(count * (1 - share)).
        count = share if share >= 1 else len(images) - int(len(images) * (1 - share))
        parts[split] = Subset(images, np.arange(max(stop - int(count), 0), stop))
        stop -= len(parts[split])
    parts["train"] = Subset(images, np.arange(stop))
    present = set(images.labels.tolist())
    if missing := sorted(present - set(parts["train"].labels.tolist())):
        names = some([images.label_names[label] for label in missing])
        raise DlcvError(
            f"method = last leaves no image of {names} to train with; take fewer images, or use "
            'method = "stratified" if the data is in the order of its classes'
        )
    return parts


def _parts(
    images: LabelledImages,
    taken: dict[str, float | int],
    seed: int,
    whole: list[int],
    groups: np.ndarray | None,
) -> tuple[dict[str, np.ndarray], list[int]]:
    """Divides all classes but those of `whole`, which stay in training.

    Returns:
        The indices by split, and the classes that are too small to be in each of them.
    """
    stays = np.isin(images.labels, whole)
    rest = np.flatnonzero(~stays)
    if not rest.size:
        raise DlcvError("no class has enough images to be divided; add images")
    total, parts = len(rest), {}
    for split, share in taken.items():
        rest, parts[split], small = _part(images, rest, share, total, split, seed, groups)
        if small:
            return {}, small
    parts["train"] = np.sort(np.concatenate([rest, np.flatnonzero(stays)]))
    return parts, []


def _part(
    images: LabelledImages,
    indices: np.ndarray,
    share: float | int,
    total: int,
    name: str,
    seed: int,
    groups: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Divides `indices` into a rest and a stratified part of a share of `total` images.

    Returns:
        The rest, the part, and the classes that are too small to be in both.
    """
    from sklearn.model_selection import train_test_split

    labels = images.labels[indices]
    if isinstance(share, float) and share >= 1:
        raise DlcvError(
            f"a share of {share} for {name} is not below 1; write {int(share)} for a number"
        )
    wanted = round(share * total) if isinstance(share, float) else share
    present, counts = np.unique(labels, return_counts=True)
    if counts.min() < 2:
        return indices, indices, present[counts < 2].tolist()
    if not len(present) <= wanted <= len(indices) - len(present):
        raise DlcvError(
            f"{name} would have {wanted} of {len(indices)} images; with {len(present)} classes it "
            f"needs at least {len(present)}, and must leave as many"
        )
    if groups is not None:
        is_taken = grouped_part(labels, groups[indices], wanted, seed)
        rest, part = indices[~is_taken], indices[is_taken]
    else:
        rest, part = train_test_split(
            indices, test_size=wanted, stratify=labels, random_state=seed, shuffle=True
        )
    in_both = np.intersect1d(images.labels[rest], images.labels[part])
    return np.sort(rest), np.sort(part), np.setdiff1d(present, in_both).tolist()
