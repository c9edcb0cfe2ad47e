"""The rules of what to do after a run: a book's recipe, a guide's remedies, and the curves."""

import math

from dlcv.report.findings import (
    MARGIN,
    Facts,
    Finding,
    Measured,
    Rule,
    change,
    drop,
    findings,
    is_clear,
)
from dlcv_plugins.commands.data.advice_rules import BOOK, GUIDE

SMALLEST = 0.01
SMALLEST_PART = 0.1
"""What is below this share of the images, or of the error, is left alone."""
HIGH_BIAS = 0.05
"""A training error from this share on is named, even if another part is larger."""
SATURATED = 0.995
"""The training accuracy from which on there is nothing left to learn."""
FALLING = -0.02
"""A loss still falls if it fell by this share at the end, and is flat within half of it."""
RISEN = 1.05
"""A validation loss has risen if it is so many times its lowest."""
EPOCHS_OF_FLATNESS = 5
"""Fewer epochs do not tell whether a loss is flat."""


def next_steps(facts: Facts) -> list[Finding]:
    """Returns what to do next, and the figures that lead to it; empty if nothing stands out."""
    return findings(facts, BROKEN) or findings(facts, RULES)


def diverged(facts: Facts) -> bool:
    """The loss is no number any more."""
    return not math.isfinite(facts.epochs[-1].loss)


def guesses(facts: Facts) -> bool:
    """The accuracy is not higher than that of guessing, but by chance."""
    held_out = facts.held_out
    return held_out.accuracy - MARGIN * math.sqrt(held_out.variance) <= facts.largest_class


def biased(facts: Facts) -> bool:
    """Many training images are wrong, or that is the largest part of the error."""
    error = facts.training.error
    return error >= HIGH_BIAS or (error >= SMALLEST and facts.largest_part == "bias")


def varies(facts: Facts) -> bool:
    """Images like those of the training, but not trained on, are wrong more often."""
    return _worse(facts, facts.training, facts.unseen)


def mismatches(facts: Facts) -> bool:
    """The validation images are wrong more often than others that were not trained on."""
    first = facts.train_validation
    return first is not None and _worse(facts, first, facts.validation)


def over_tuned(facts: Facts) -> bool:
    """The test images are wrong more often than those of the validation."""
    return facts.test is not None and _worse(facts, facts.validation, facts.test)


def saturated(facts: Facts) -> bool:
    """Hardly any training image is wrong."""
    return facts.training.accuracy >= SATURATED


def falling(facts: Facts) -> bool:
    """Training and validation loss still fall at the end."""
    return max(_changes(facts)) <= FALLING


def wants_longer(facts: Facts) -> bool:
    """The loss still falls, and there is something left to learn."""
    return falling(facts) and not saturated(facts) and facts.held_out.error >= SMALLEST


def flat(facts: Facts) -> bool:
    """Training and validation loss stay as they are at the end, though they are trained on."""
    return not is_short(facts) and all(abs(value) <= -FALLING / 2 for value in _changes(facts))


def is_short(facts: Facts) -> bool:
    """So few epochs do not tell what the losses would come down to."""
    return len(facts.epochs) < EPOCHS_OF_FLATNESS


def needs_more(facts: Facts) -> bool:
    """The training was too short to tell what came of it, and nothing speaks against more."""
    return is_short(facts) and not overfits(facts)


def overfits(facts: Facts) -> bool:
    """The validation loss rises, while the training loss falls."""
    best, last = facts.epochs[facts.best], facts.epochs[-1]
    return last.val_loss > RISEN * best.val_loss and last.loss < best.loss


def _worse(facts: Facts, first: Measured, second: Measured) -> bool:
    """Returns whether a part of the error is there, and worth working on."""
    least = max(SMALLEST, SMALLEST_PART * facts.held_out.error)
    return drop(first, second) >= least and is_clear(first, second)


def _changes(facts: Facts) -> tuple[float, float]:
    """Returns by what share training and validation loss changed at the end."""
    return change([e.loss for e in facts.epochs]), change([e.val_loss for e in facts.epochs])


def percent(share: float) -> str:
    """Returns a share in words: `82.35 %`."""
    return f"{100 * share:.2f} %"


def _of_training(facts: Facts) -> str:
    text = f"{percent(facts.training.error)} of the training images are wrong while training"
    if is_short(facts):
        few = len(facts.epochs)
        return f"{text}, after {few} epoch{'s' if few > 1 else ''} only"
    return f"{text}; at the end the training loss changes by {100 * _changes(facts)[0]:+.1f} %"


def _of_variance(facts: Facts) -> str:
    name = "train-validation" if facts.train_validation else "validation"
    text = f"accuracy: training {percent(facts.training.accuracy)}, {name} "
    text += percent(facts.unseen.accuracy)
    if facts.train_validation:
        return text
    return (
        f"{text} (part of the gap may be a mismatch of the data; --train-validation 0.05 would "
        "tell)"
    )


def _of_mismatch(facts: Facts) -> str:
    assert facts.train_validation
    return (
        f"accuracy: train-validation {percent(facts.train_validation.accuracy)}, validation "
        f"{percent(facts.validation.accuracy)}"
    )


def _of_tuning(facts: Facts) -> str:
    assert facts.test
    return (
        f"accuracy: validation {percent(facts.validation.accuracy)}, test "
        f"{percent(facts.test.accuracy)} on {facts.test.images:,} images"
    )


def _of_guessing(facts: Facts) -> str:
    return (
        f"{percent(facts.held_out.accuracy)} of the {facts.held_out.images:,} held-out images are "
        f"right; always guessing the largest class, {percent(facts.largest_class)} would be"
    )


def _of_falling(facts: Facts) -> str:
    training, validation = _changes(facts)
    text = f"at the end: training {100 * training:+.1f} %, validation {100 * validation:+.1f} %"
    if facts.rate_is_spent:
        text += f"; the learning rate has come down to {facts.epochs[-1].rate:.2g}"
    return text


def _of_overfitting(facts: Facts) -> str:
    best, last = facts.epochs[facts.best], facts.epochs[-1]
    return (
        f"the validation loss was {best.val_loss:.3f} after epoch {facts.best + 1} of "
        f"{len(facts.epochs)}, and is {last.val_loss:.3f}; the training loss fell from "
        f"{best.loss:.3f} to {last.loss:.3f}"
    )


REMEDIES = (
    "more images, augmentation, a network that generalises, dropout, a simpler network; more "
    "regularisation (L2)"
)
BROKEN = (
    Rule(
        "training",
        diverged,
        "The training diverged.",
        lambda facts: f"the training loss of the last epoch is {facts.epochs[-1].loss}",
        "divide the learning rate by 10; dlcv lr-search finds one",
        GUIDE,
    ),
    Rule(
        "training",
        guesses,
        "It does no better than guessing.",
        _of_guessing,
        "check the labels (dlcv data check), then search for a learning rate (dlcv lr-search)",
        GUIDE,
    ),
)
"""Where one of these holds, the others have nothing to go by."""
RULES = (
    Rule(
        "bias",
        lambda facts: biased(facts) and (falling(facts) or needs_more(facts)),
        "The training images are not learned yet.",
        _of_training,
        "train longer; then a larger network, a smaller learning rate, another architecture",
        BOOK,
    ),
    Rule(
        "bias",
        lambda facts: biased(facts) and flat(facts) and not facts.rate_is_spent,
        "The network does not learn the training images, and has stopped learning.",
        _of_training,
        "a larger network; then a smaller learning rate, another architecture",
        BOOK,
    ),
    Rule(
        "bias",
        biased,
        "Many of the training images themselves are wrong.",
        _of_training,
        "a larger network, longer training, a smaller learning rate, another architecture",
        BOOK,
    ),
    Rule(
        "variance",
        lambda facts: varies(facts) and saturated(facts),
        "The training is saturated: its images are known by heart, and others are not.",
        _of_variance,
        f"a lower learning rate, even if it scores a little less; then, in this order: {REMEDIES}",
        f"{BOOK}, {GUIDE}",
    ),
    Rule(
        "variance",
        varies,
        "What was learned holds for the training images more than for others.",
        _of_variance,
        f"in this order: {REMEDIES}; another architecture",
        f"{GUIDE}, {BOOK}",
    ),
    Rule(
        "mismatch",
        mismatches,
        "The validation images are of another kind than the training images.",
        _of_mismatch,
        "training images like those of the validation; then stronger regularisation, another "
        "architecture",
        BOOK,
    ),
    Rule(
        "over-tuning",
        over_tuned,
        "The settings fit the validation images more than others.",
        _of_tuning,
        "more training and validation images",
        BOOK,
    ),
    Rule(
        "overfitting",
        overfits,
        "It overfits: the validation loss rises while the training loss falls.",
        _of_overfitting,
        "fewer epochs, or --early-stopping 5, which ends with the weights of the best epoch; then "
        f"{REMEDIES}",
        GUIDE,
    ),
    Rule(
        "length",
        lambda facts: wants_longer(facts) and facts.rate_is_spent,
        "The loss is still falling, but the schedule has come to its end.",
        _of_falling,
        "a new run with more epochs",
        BOOK,
    ),
    Rule(
        "length",
        wants_longer,
        "The loss is still falling.",
        _of_falling,
        "train longer: dlcv resume RUN --epochs COUNT goes on",
        BOOK,
    ),
)
"""Of the rules of one topic, the first that applies holds."""
