"""From a finished run to the facts that advice is from."""

import logging
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from dlcv import registry
from dlcv.api import shown_path
from dlcv.errors import DlcvError
from dlcv.interfaces import options_of
from dlcv.registry import Spec
from dlcv_plugins.advice.training import (
    ClassCount,
    Epoch,
    Measured,
    Members,
    TrainingFacts,
    Way,
)
from dlcv_plugins.kinds.finished_run import FinishedRun

logger = logging.getLogger(__name__)
TRAIN_VALIDATION = "train_val"
AUGMENTATIONS = {
    *("affine", "alternating_flip", "color", "cutmix", "elastic", "erase", "flip"),
    *("mixup", "noise", "patch", "rand_augment", "trivial_augment"),
}
"""The preprocessors that ship and change images at random in training."""
CLEARLY_BETTER = 0.005
"""How much better a value must be than its neighbor for the end of a grid to be worth a word."""


def facts_of(run: FinishedRun) -> TrainingFacts | None:
    """Returns the facts of a run; None where its accuracy or training is not recorded.

    Of several members they are those of the one in the middle, by its accuracy, and how much
    combining them adds.
    """
    if run.members:
        return _facts_of_members(run)
    found = run.evaluation("rank")
    if found is None:
        return None
    held_out = Measured(found.metrics["rank1"], len(run.predictions.labels))
    known = _fitted(run) if run.config.classifier is not None else _trained(run, held_out)
    if known is None:
        return None
    return TrainingFacts(
        train_validation=_train_validation(run),
        test=None if run.tests_what_it_validates else held_out,
        largest_class=run.largest_class,
        favorite=_favorite(run),
        own_validation=run.config.split.validation is None,
        own_test=run.config.split.test is None,
        classes=_classes(run),
        copies=found.metrics.get("copies_in_training", 0.0),
        without_copies=found.metrics.get("accuracy_without_copies"),
        per_class=run.images("train") / len(run.label_names) or float("inf"),
        run=_quoted(run.path),
        data=shlex.quote(_data(run.config.data)),
        **known,
    )


def _trained(run: FinishedRun, held_out: Measured) -> dict[str, Any] | None:
    """Returns what is known of a network that was trained in epochs; None without any."""
    trained, history = run.trained_row, run.history
    if trained is None or not history:
        return None
    rows = [row for row in history if row["stage"] == len(run.config.stages)]
    before = [row["val_accuracy"] for row in history if row["stage"] < len(run.config.stages)]
    images, validated = (run.images(name) or held_out.images for name in ("train", "val"))
    training, while_training = _measured(run, "train"), Measured(trained["accuracy"], images)
    return {
        "training": training or while_training,
        "validation": Measured(trained["val_accuracy"], validated),
        "stage_before": Measured(before[-1], validated) if before else None,
        "epochs": tuple(
            Epoch(r["loss"], r["val_loss"], r["learning_rate"], r["val_accuracy"]) for r in rows
        ),
        "is_augmented": training is None,
        "while_training": while_training,
        "way": _way(run),
    }


def _fitted(run: FinishedRun) -> dict[str, Any] | None:
    """Returns what is known of a fitted classifier; None in runs that recorded no accuracies."""
    training, validation = _measured(run, "train"), run.results.get("validation_accuracy")
    if training is None:
        return None
    known = None if validation is None else Measured(validation, run.images("val"))
    if known is None and run.tests_what_it_validates:
        return None
    return {"training": training, "validation": known, "way": _way(run)}


def _way(run: FinishedRun) -> Way:
    config = run.config
    stage = config.stages[-1] if config.stages else None
    return Way(
        pretrained=bool(run.environment.get("initial_weights") or _names_weights(config)),
        classifier="" if config.classifier is None else config.classifier.name,
        frozen=stage is not None and stage.trainable != "all",
        augments=any(map(_augments, config.preprocessors)),
        stops_early=stage is not None and stage.ends_with_best,
        color=run.environment["data"].get("channels") == 3,
        **grid_end(run.results.get("fit", {}).get("scores", {})),
    )


def _augments(spec: Spec) -> bool:
    """Returns whether a step changes images at random, or holds one that does."""
    return any(each.name.removeprefix("dlcv.") in AUGMENTATIONS for each in _with_nested(spec))


def _names_weights(config: Any) -> bool:
    specs = _with_nested(config.architecture)
    return any(spec.options.get("weights") is not None for spec in specs)


def _with_nested(spec: Spec) -> Iterator[Spec]:
    """Yields a spec, and those among its options and theirs."""
    yield spec
    for value in spec.options.values():
        if isinstance(value, Spec):
            yield from _with_nested(value)


def grid_end(scores: Mapping[str, float]) -> dict[str, str]:
    """Returns at which end of the values that were tried the best one lies, if it is clearly so.

    Args:
        scores: The accuracy in the cross-validation by value, as `C=0.1`, in any order.

    Returns:
        `{"grid_end": "lowest", "beyond": "C=(0.001, 0.01)"}`, or nothing, as where several options
        were tried together.
    """
    if any(each.count("=") > 1 for each in scores):
        return {}
    tried = sorted(scores, key=lambda each: float(each.partition("=")[2]))
    values = [scores[each] for each in tried]
    for end, last, neighbor, factors in (
        ("lowest", 0, 1, (0.01, 0.1)),
        ("highest", -1, -2, (10, 100)),
    ):
        is_best = len(values) > 1 and values[last] == max(values)
        if is_best and values[last] > values[neighbor] + CLEARLY_BETTER:
            name, _, value = tried[last].partition("=")
            beyond = ", ".join(f"{float(value) * factor:g}" for factor in factors)
            return {"grid_end": end, "beyond": f"{name}=({beyond})"}
    return {}


def _measured(run: FinishedRun, split: str) -> Measured | None:
    """Returns an accuracy that was measured after the training; None in older runs."""
    found = run.results.get("accuracies", {}).get(split)
    return None if found is None else Measured(found["accuracy"], found["images"])


def _train_validation(run: FinishedRun) -> Measured | None:
    """Returns the accuracy on the train-validation images; in an older run, it predicts them."""
    if not run.images(TRAIN_VALIDATION):
        return None
    if known := _measured(run, TRAIN_VALIDATION):
        return known
    try:
        predictions = run.predict(TRAIN_VALIDATION)
    except DlcvError as error:
        logger.warning("the advice leaves out the train-validation images: %s", error)
        return None
    right = predictions.combined.argmax(axis=1) == predictions.labels
    return Measured(float(right.mean()), len(predictions.labels))


def _favorite(run: FinishedRun) -> float:
    """Returns the share of the held-out images that the class predicted most often has."""
    import numpy as np

    counts = np.bincount(run.predictions.combined.argmax(axis=1))
    return float(counts.max() / counts.sum())


def _classes(run: FinishedRun) -> tuple[ClassCount, ...]:
    """Returns the classes with their counts; none in runs that did not record these."""
    import numpy as np

    counts = run.environment["data"].get("training_images", {})
    labels, predicted = run.predictions.labels, run.predictions.combined.argmax(axis=1)
    held_out = np.bincount(labels, minlength=len(run.label_names))
    right = np.bincount(labels[labels == predicted], minlength=len(run.label_names))
    return tuple(
        ClassCount(name, counts[name], int(held), int(correct))
        for name, held, correct in zip(run.label_names, held_out, right, strict=True)
        if name in counts
    )


def _quoted(path: Path) -> str:
    """Returns a path as it is written in a command."""
    return shlex.quote(shown_path(path))


def _data(data: str) -> str:
    """Returns what names the data in a command: a path alone, where nothing else is to be said."""
    spec = Spec.parse(data)
    known = options_of(registry.get("store", spec.name))
    # A bare word is a name in a spec, and a text as an option.
    others = [k for k, v in spec.options.items() if k != "path" and str(v) != str(known[k].default)]
    path = spec.options.get("path")
    return data if others or path is None else shown_path(Path(str(path)))


def _facts_of_members(run: FinishedRun) -> TrainingFacts | None:
    """Returns the facts of the member in the middle, with what combining adds."""
    predictions = run.predictions
    each = (predictions.probabilities.argmax(axis=2) == predictions.labels).mean(axis=1)
    together = float((predictions.combined.argmax(axis=1) == predictions.labels).mean())
    middle = sorted(range(len(each)), key=lambda member: each[member])[len(each) // 2]
    try:
        facts = facts_of(run.member(middle))
    except DlcvError as error:
        logger.warning("the advice leaves out the members: %s", error)
        return None
    if facts is None:
        return None
    members = Members(len(each), float(each.mean()), together)
    return attrs.evolve(facts, members=members, run=_quoted(run.path))
