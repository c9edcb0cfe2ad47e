"""Classes: how many images each has, in which splits, and what guessing would score."""

from collections import defaultdict

import attrs
import numpy as np

from dlcv.interfaces import UNSPLIT, LabelledImages
from dlcv_plugins.checks.collect import Collected
from dlcv_plugins.checks.findings import Finding, count, some

LARGEST_RATIO = 10.0
"""Images of the largest class by those of the smallest, up to which classes count as balanced."""
FEW_IMAGES = 30
"""A class with fewer has little to learn from."""
LARGEST_SHIFT = 0.2
"""Share of a split's images whose class would have to change to match the training split."""


@attrs.frozen
class Balance:
    """The classes of a data set.

    Attributes:
        counts: Images by class and split, classes in the order of their names.
        largest: The largest class of the split that is trained on.
        guessing: The accuracy there of always guessing that class.
    """

    counts: dict[str, dict[str, int]]
    largest: str
    guessing: float


def balance_of(collected: Collected) -> Balance:
    """Returns figures about the classes."""
    names = sorted({name for split in collected.splits.values() for name in split.label_names})
    by_split = {name: _counts(split) for name, split in collected.splits.items()}
    counts = {n: {split: of.get(n, 0) for split, of in by_split.items()} for n in names}
    trained = _trained(collected)
    largest = max(trained, key=lambda name: trained[name], default="")
    total = sum(trained.values())
    return Balance(counts, largest, trained[largest] / total if total else 0.0)


def balance_findings(collected: Collected) -> list[Finding]:
    """Returns what is wrong with the classes and the splits."""
    return [
        *_refused(collected),
        *_no_training(collected),
        *_too_few_classes(collected),
        *_differing(collected),
        *_empty(collected),
        *_alike_names(collected),
        *_few(collected),
        *_imbalance(collected),
        *_shift(collected),
    ]


def _counts(split: LabelledImages) -> dict[str, int]:
    numbers = np.bincount(split.labels, minlength=len(split.label_names))
    return dict(zip(split.label_names, numbers.tolist(), strict=True))


def _trained(collected: Collected) -> dict[str, int]:
    """Returns images by class of the split that is trained on, or divided."""
    splits = collected.splits
    split = splits.get("train") or splits.get(UNSPLIT) or next(iter(splits.values()))
    return _counts(split)


def _refused(collected: Collected) -> list[Finding]:
    return [
        Finding(
            "unusable-split",
            "error",
            f"the split {name} can't be used: {reason}",
            "put right what it says; nothing else is checked there",
        )
        for name, reason in collected.refused.items()
    ]


def _no_training(collected: Collected) -> list[Finding]:
    names = [*collected.splits, *collected.refused]
    if {"train", UNSPLIT} & set(names):
        return []
    sentence = f"there is no split to train on; the data has {some(names)} only"
    cure = "put the images to train with into a split train"
    return [Finding("no-training-split", "error", sentence, cure)]


def _too_few_classes(collected: Collected) -> list[Finding]:
    names = _trained(collected)
    if len(names) > 1:
        return []
    sentence = f"there is only one class, {some(names)}" if names else "there is no class"
    cure = "a classifier needs at least two: add images of what this is to be told from"
    return [Finding("one-class", "error", sentence, cure)]


def _differing(collected: Collected) -> list[Finding]:
    first_name, *others = collected.splits
    first = set(collected.splits[first_name].label_names)
    return [
        Finding(
            "differing-classes",
            "error",
            f"the splits {first_name} and {name} differ in the classes {some(differing)}",
            "give every split the same classes; rename folders that mean the same",
        )
        for name in others
        if (differing := sorted(first ^ set(collected.splits[name].label_names)))
    ]


def _empty(collected: Collected) -> list[Finding]:
    found = []
    for name, split in collected.splits.items():
        trains = name in ("train", UNSPLIT)
        where = "there is" if name == UNSPLIT else f"the split {name} has"
        if empty := [label for label, number in _counts(split).items() if not number]:
            found.append(
                Finding(
                    "empty-class",
                    "error" if trains else "warning",
                    f"{where} no image of {some(empty)}",
                    "add images, or remove the class"
                    if trains
                    else "add images; without them nobody knows how well these are recognised",
                )
            )
    return found


def _alike_names(collected: Collected) -> list[Finding]:
    alike: dict[str, set[str]] = defaultdict(set)
    for split in collected.splits.values():
        for name in split.label_names:
            alike["".join(filter(str.isalnum, name.casefold()))].add(name)
    pairs = [" and ".join(sorted(names)) for key, names in alike.items() if key and len(names) > 1]
    if not pairs:
        return []
    return [
        Finding(
            "alike-names",
            "warning",
            f"classes whose names are nearly the same: {some(pairs)}",
            "if they mean the same, put their images together under one name",
        )
    ]


def _few(collected: Collected) -> list[Finding]:
    few = {name: n for name, n in _trained(collected).items() if 0 < n < FEW_IMAGES}
    if not few:
        return []
    named = some(f"{name} ({number})" for name, number in few.items())
    return [
        Finding(
            "few-images",
            "warning",
            f"{count(len(few), 'class', 'classes')} {'has' if len(few) == 1 else 'have'} fewer "
            f"than {FEW_IMAGES} images to train with: {named}",
            "collect more, or use a network that was trained on other images",
        )
    ]


def _imbalance(collected: Collected) -> list[Finding]:
    numbers = {name: n for name, n in _trained(collected).items() if n}
    if not numbers or max(numbers.values()) <= LARGEST_RATIO * min(numbers.values()):
        return []
    largest, smallest = (f(numbers, key=lambda n: numbers[n]) for f in (max, min))
    guessing = numbers[largest] / sum(numbers.values())
    return [
        Finding(
            "imbalance",
            "warning",
            f"{largest} has {numbers[largest]:,} images to train with and {smallest} "
            f"{numbers[smallest]:,}; always guessing {largest} would be right for "
            f"{100 * guessing:.2f} %",
            "collect more of the small classes, and look at recall by class instead of accuracy",
        )
    ]


def _shift(collected: Collected) -> list[Finding]:
    trained = _trained(collected)
    found = []
    for name, split in collected.splits.items():
        counts = _counts(split)
        if name in ("train", UNSPLIT) or set(counts) != set(trained) or not len(split):
            continue
        total = sum(trained.values())
        shift = sum(abs(n / len(split) - trained[label] / total) for label, n in counts.items()) / 2
        if total and shift > LARGEST_SHIFT:
            found.append(
                Finding(
                    "shifted-classes",
                    "warning",
                    f"the classes have other shares in {name} than in training: "
                    f"{100 * shift:.0f} % of its images would have to be of another class",
                    "divide the images anew at random, class by class, unless the difference is "
                    "what the network will meet",
                )
            )
    return found
