"""The rules of what to do after a training: a book's recipe, a guide's remedies, and the curves."""

import math

import attrs

from dlcv_plugins.advice.engine import Advice, Rule, advise
from dlcv_plugins.advice.sources import GUIDE, rosebrock
from dlcv_plugins.advice.training import Measured, TrainingFacts, change, drop, is_clear
from dlcv_plugins.wording import percent

RECIPE = rosebrock(8)

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
"""Of fewer epochs, nobody can see whether a loss is flat."""


@attrs.frozen
class NextStep:
    """What to do next, and whether it is about the largest part of the error."""

    advice: Advice
    is_first: bool


def next_steps(facts: TrainingFacts) -> list[NextStep]:
    """Returns what to do next, about the largest part of the error first; empty if nothing."""
    found = advise(facts, BROKEN) or advise(facts, RULES)
    steps = [NextStep(one, one.topic == facts.largest_part) for one in found]
    return sorted(steps, key=lambda step: not step.is_first)


def diverged(facts: TrainingFacts) -> bool:
    """The loss is no number any more."""
    return not math.isfinite(facts.epochs[-1].loss)


def guesses(facts: TrainingFacts) -> bool:
    """The accuracy is not clearly higher than that of guessing."""
    return not facts.held_out.is_clearly_above(facts.largest_class)


def biased(facts: TrainingFacts) -> bool:
    """Many training images are misclassified, or that is the largest part of the error."""
    error = facts.training.error
    return error >= HIGH_BIAS or (error >= SMALLEST and facts.largest_part == "bias")


def varies(facts: TrainingFacts) -> bool:
    """Images like those of the training, but not trained on, are misclassified more often."""
    return _worse(facts, facts.training, facts.unseen)


def mismatches(facts: TrainingFacts) -> bool:
    """The validation images are misclassified more often than others not trained on."""
    first = facts.train_validation
    return first is not None and _worse(facts, first, facts.validation)


def over_tuned(facts: TrainingFacts) -> bool:
    """The test images are misclassified more often than those of the validation."""
    return facts.test is not None and _worse(facts, facts.validation, facts.test)


def saturated(facts: TrainingFacts) -> bool:
    """Hardly any training image is misclassified."""
    return facts.training.accuracy >= SATURATED


def falling(facts: TrainingFacts) -> bool:
    """Training and validation loss still fall at the end."""
    return max(_changes(facts)) <= FALLING


def wants_longer(facts: TrainingFacts) -> bool:
    """The loss still falls, and there is something left to learn."""
    return falling(facts) and not saturated(facts) and facts.held_out.error >= SMALLEST


def flat(facts: TrainingFacts) -> bool:
    """Training and validation loss no longer change at the end."""
    return not is_short(facts) and all(abs(value) <= -FALLING / 2 for value in _changes(facts))


def is_short(facts: TrainingFacts) -> bool:
    """The epochs are too few to show where the losses would end."""
    return len(facts.epochs) < EPOCHS_OF_FLATNESS


def needs_more(facts: TrainingFacts) -> bool:
    """The training was too short to judge, and nothing speaks against more of it."""
    return is_short(facts) and not overfits(facts)


def overfits(facts: TrainingFacts) -> bool:
    """The validation loss rises, while the training loss falls."""
    best, last = facts.epochs[facts.best], facts.epochs[-1]
    return last.val_loss > RISEN * best.val_loss and last.loss < best.loss


def _worse(facts: TrainingFacts, first: Measured, second: Measured) -> bool:
    """Returns whether a part of the error is there, and worth working on."""
    least = max(SMALLEST, SMALLEST_PART * facts.held_out.error)
    return drop(first, second) >= least and is_clear(first, second)


def _changes(facts: TrainingFacts) -> tuple[float, float]:
    """Returns by what share training and validation loss changed at the end."""
    return change([e.loss for e in facts.epochs]), change([e.val_loss for e in facts.epochs])


def _of_training(facts: TrainingFacts) -> str:
    while_training = " while training, with augmentation" if facts.is_augmented else ""
    text = f"{percent(facts.training.error)} of the training images are misclassified"
    text += while_training
    if is_short(facts):
        few = len(facts.epochs)
        return f"{text}, after only {few} epoch{'s' if few > 1 else ''}"
    return f"{text}; at the end the training loss changes by {100 * _changes(facts)[0]:+.1f} %"


def _of_variance(facts: TrainingFacts) -> str:
    name = "train-validation" if facts.train_validation else "validation"
    text = f"accuracy: training {percent(facts.training.accuracy)}, {name} "
    text += percent(facts.unseen.accuracy)
    if facts.train_validation:
        return text
    return (
        f"{text} (part of the gap may be a mismatch of the data; --train-validation 0.05 shows it)"
    )


def _of_mismatch(facts: TrainingFacts) -> str:
    assert facts.train_validation
    return (
        f"accuracy: train-validation {percent(facts.train_validation.accuracy)}, validation "
        f"{percent(facts.validation.accuracy)}"
    )


def _of_tuning(facts: TrainingFacts) -> str:
    assert facts.test
    return (
        f"accuracy: validation {percent(facts.validation.accuracy)}, test "
        f"{percent(facts.test.accuracy)} on {facts.test.images:,} images"
    )


def _of_guessing(facts: TrainingFacts) -> str:
    return (
        f"the accuracy on {facts.held_out.images:,} images is {percent(facts.held_out.accuracy)}; "
        f"always guessing the largest class scores {percent(facts.largest_class)}"
    )


def _of_falling(facts: TrainingFacts) -> str:
    training, validation = _changes(facts)
    text = f"at the end: training {100 * training:+.1f} %, validation {100 * validation:+.1f} %"
    if facts.rate_is_spent:
        text += f"; the learning rate has come down to {facts.epochs[-1].rate:.2g}"
    return text


def _of_overfitting(facts: TrainingFacts) -> str:
    best, last = facts.epochs[facts.best], facts.epochs[-1]
    return (
        f"the validation loss was {best.val_loss:.3f} after epoch {facts.best + 1} of "
        f"{len(facts.epochs)}, and is {last.val_loss:.3f}; the training loss fell from "
        f"{best.loss:.3f} to {last.loss:.3f}"
    )


REMEDIES = (
    "more images, augmentation, a network that generalizes, dropout, a simpler network; more "
    "regularization (L2)"
)
BROKEN: tuple[Rule[TrainingFacts], ...] = (
    Rule(
        "training",
        diverged,
        "divide the learning rate by 10; dlcv lr-search finds one",
        lambda facts: f"the training loss of the last epoch is {facts.epochs[-1].loss}",
        [GUIDE],
        "The training diverged.",
    ),
    Rule(
        "training",
        guesses,
        "check the labels (dlcv data check), then search for a learning rate (dlcv lr-search)",
        _of_guessing,
        [GUIDE],
        "It does no better than guessing.",
    ),
)
"""Where one of these holds, the others have nothing to go by."""
RULES: tuple[Rule[TrainingFacts], ...] = (
    Rule(
        "bias",
        lambda facts: biased(facts) and (falling(facts) or needs_more(facts)),
        "train longer; then a larger network, a smaller learning rate, another architecture",
        _of_training,
        [RECIPE],
        "The training images are not learned yet.",
    ),
    Rule(
        "bias",
        lambda facts: biased(facts) and flat(facts) and not facts.rate_is_spent,
        "a larger network; then a smaller learning rate, another architecture",
        _of_training,
        [RECIPE],
        "The network has stopped learning before it has learned the training images.",
    ),
    Rule(
        "bias",
        biased,
        "a larger network, longer training, a smaller learning rate, another architecture",
        _of_training,
        [RECIPE],
        "Many training images are misclassified.",
    ),
    Rule(
        "variance",
        lambda facts: varies(facts) and saturated(facts),
        "a lower learning rate, even if the accuracy drops a little; then, in this order: "
        f"{REMEDIES}",
        _of_variance,
        [RECIPE, GUIDE],
        "The training is saturated: the network has memorized its images.",
    ),
    Rule(
        "variance",
        varies,
        f"in this order: {REMEDIES}; another architecture",
        _of_variance,
        [GUIDE, RECIPE],
        "The network overfits: it classifies training images better than new ones.",
    ),
    Rule(
        "mismatch",
        mismatches,
        "training images like those of the validation; then stronger regularization, another "
        "architecture",
        _of_mismatch,
        [RECIPE],
        "The validation images are of another kind than the training images.",
    ),
    Rule(
        "over-tuning",
        over_tuned,
        "more training and validation images",
        _of_tuning,
        [RECIPE],
        "The settings are tuned to the validation images.",
    ),
    Rule(
        "overfitting",
        overfits,
        "fewer epochs, or --early-stopping 5, which ends with the weights of the best epoch; then "
        f"{REMEDIES}",
        _of_overfitting,
        [GUIDE],
        "The validation loss rises while the training loss falls.",
    ),
    Rule(
        "length",
        lambda facts: wants_longer(facts) and facts.rate_is_spent,
        "a new run with more epochs",
        _of_falling,
        [RECIPE],
        "The loss is still falling, but the schedule has ended.",
    ),
    Rule(
        "length",
        wants_longer,
        "train longer with dlcv resume RUN --epochs COUNT",
        _of_falling,
        [RECIPE],
        "The loss is still falling.",
    ),
)
"""Of the rules of one topic, the first that applies holds."""
