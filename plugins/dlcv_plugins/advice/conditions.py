"""The conditions of the rules for a training: what has to be true of the facts."""

import math

from dlcv_plugins.advice.division import FEWEST_TRAINING
from dlcv_plugins.advice.training import (
    Epoch,
    Measured,
    TrainingFacts,
    change,
    drop,
    is_clear,
    steadiness,
)

GOOD = 0.02
"""With a smaller error, nothing is advised about it; no smaller part of an error is named."""
SMALLEST_PART = 0.1
"""What is below this share of the error is left alone."""
HIGH_BIAS = 0.05
"""A training error from this share on is named, even if another part is larger."""
FALLING = -0.02
"""A loss still falls if it fell by this share at the end."""
RISEN = 1.05
"""A validation loss has risen if it is so many times its lowest."""
EPOCHS_OF_FLATNESS = 5
"""Of fewer epochs, nobody can see whether a loss is flat."""
STEADY = 0.5
"""A loss that still has this share of its first speed is far from its end."""
UNSETTLED = 0.1
"""How much lower the accuracy on training images may be than while training."""
FEW_A_CLASS = 1000
"""Training from scratch needs 1,000 to 5,000 images a class."""
HIGH_ERROR = 0.1
"""The error from which on few images are a reason to begin with a pretrained network."""
MOSTLY = 0.95
"""A network that predicts one class for so many images has learned nothing but that class."""
TOO_FEW_TO_TELL = 100
"""On fewer images, an accuracy above guessing may not differ from it clearly."""
RARE = 0.2
"""A class with less than this share of the training images of a usual class is rare."""
LITTLE_DIFFERENCE = 0.005
"""Copies that change the accuracy by less are no reason to doubt it."""
LITTLE_GAIN = 0.005
"""Members that gain less by being combined make the same mistakes."""


def diverged(facts: TrainingFacts) -> bool:
    """The loss is no number any more."""
    return bool(facts.epochs) and not math.isfinite(facts.epochs[-1].loss)


def unsettled(facts: TrainingFacts) -> bool:
    """The network classifies its training images clearly worse than it did while training."""
    before = facts.while_training
    return (
        before is not None
        and drop(before, facts.training) >= UNSETTLED
        and is_clear(before, facts.training)
    )


def forgets(facts: TrainingFacts) -> bool:
    """The last stage ends clearly worse than the stage before it did."""
    before, after = facts.stage_before, facts.validation
    return bool(before and after) and _worse(facts, before, after)


def guesses(facts: TrainingFacts) -> bool:
    """Neither validation nor test images are recognized better than by guessing.

    Where most images are of one class, a good classifier may have no higher accuracy than always
    guessing that class; it still recognizes each class better than a guess does.
    """
    return not (_beats_largest_class(facts) or facts.tells_classes_apart)


def may_be_chance(facts: TrainingFacts) -> bool:
    """It is better than guessing, on images too few to prove it."""
    above = facts.held_out.accuracy - facts.largest_class
    return guesses(facts) and facts.held_out.images < TOO_FEW_TO_TELL and above >= UNSETTLED


def predicts_one_class(facts: TrainingFacts) -> bool:
    """Most images are of one class, nearly all are predicted to be of it, and others are missed."""
    return (
        facts.largest_class >= 0.5
        and facts.favorite >= MOSTLY
        and not _beats_largest_class(facts)
        and (guesses(facts) or facts.misses_most_classes)
    )


def learns_nothing_general(facts: TrainingFacts) -> bool:
    """Training images are learned, and nothing that holds for others."""
    return guesses(facts) and facts.training.is_clearly_above(facts.largest_class + UNSETTLED / 2)


def learns_slowly(facts: TrainingFacts) -> bool:
    """The training loss fell to the end at the speed it began with, and not by half."""
    epochs = facts.epochs
    return falls_steadily(facts) and epochs[-1].loss > epochs[0].loss / 2


def falls_steadily(facts: TrainingFacts) -> bool:
    """The training loss never rose, and fell to the end at the speed it began with."""
    return steadiness(facts.epochs) >= STEADY and not rises(facts)


def rises(facts: TrainingFacts) -> bool:
    """The training loss rose again in some epoch."""
    pairs = zip(facts.epochs, facts.epochs[1:], strict=False)
    return any(after.loss > before.loss for before, after in pairs)


def is_good(facts: TrainingFacts) -> bool:
    """There is hardly an error left."""
    return facts.held_out.error < GOOD


def biased(facts: TrainingFacts) -> bool:
    """Many training images are misclassified, or that is the largest part of the error."""
    error, parts = facts.training.error, facts.parts
    return not is_good(facts) and (
        error >= HIGH_BIAS or (error >= GOOD and error == max(parts.values()))
    )


def wants_longer(facts: TrainingFacts) -> bool:
    """The losses still fall, or the epochs are too few to tell, and nothing speaks against more."""
    if not facts.epochs:
        return False
    may_go_on = is_short(facts) or falls_steadily(facts)
    return falls(facts) or (may_go_on and not overfits(facts))


def falls(facts: TrainingFacts) -> bool:
    """Training and validation loss still fall at the end."""
    if not facts.epochs:
        return False
    losses = ([e.loss for e in facts.epochs], [e.val_loss for e in facts.epochs])
    return max(map(change, losses)) <= FALLING


def is_short(facts: TrainingFacts) -> bool:
    """The epochs are too few to show where the losses would end."""
    return len(facts.epochs) < EPOCHS_OF_FLATNESS


def falls_with_more_to_learn(facts: TrainingFacts) -> bool:
    """The loss still falls, and there is something left to learn."""
    return falls(facts) and not is_good(facts) and facts.training.error >= GOOD


def varies(facts: TrainingFacts) -> bool:
    """Images like those of the training, but not trained on, are misclassified more often."""
    return _worse(facts, facts.training, facts.unseen)


def mismatches(facts: TrainingFacts) -> bool:
    """The validation images are misclassified more often than others not trained on."""
    first, second = facts.train_validation, facts.validation
    return bool(first and second) and _worse(facts, first, second)


def tests_worse(facts: TrainingFacts) -> bool:
    """The test images are misclassified more often than those of the validation."""
    first, second = facts.validation, facts.test
    return bool(first and second) and _worse(facts, first, second)


def overfits(facts: TrainingFacts) -> bool:
    """The validation loss rises, while the training loss falls, and the weights are the last.

    Of validation images of another kind than the training images, it says nothing.
    """
    if not facts.epochs or facts.way.stops_early or mismatches(facts):
        return False
    best, last = best_and_last(facts)
    return last.val_loss > RISEN * best.val_loss and last.loss < best.loss


def best_and_last(facts: TrainingFacts) -> tuple[Epoch, Epoch]:
    """Returns the epoch with the lowest validation loss, and the last."""
    return facts.epochs[facts.best], facts.epochs[-1]


def has_few_from_scratch(facts: TrainingFacts) -> bool:
    """A network was trained from random weights on few color images, and errs often."""
    return (
        not facts.way.pretrained
        and facts.way.color
        and facts.per_class < FEW_A_CLASS
        and facts.held_out.error >= HIGH_ERROR
    )


def has_rare_class(facts: TrainingFacts) -> bool:
    """A class has few training images, and far fewer than a usual one."""
    rarest = facts.rarest
    return rarest is not None and rarest.trained < min(FEWEST_TRAINING, RARE * _usual(facts))


def has_copies(facts: TrainingFacts) -> bool:
    """Some test images have copies among the training images, which the accuracy counts, too."""
    return facts.copies > 0


def copies_matter(facts: TrainingFacts) -> bool:
    """Without the test images that have copies, the accuracy is another, or there is none."""
    without = facts.without_copies
    return has_copies(facts) and (
        without is None or facts.held_out.accuracy - without >= LITTLE_DIFFERENCE
    )


def combining_gains_little(facts: TrainingFacts) -> bool:
    """The members predict hardly better together than alone, and do err."""
    found = facts.members
    return found is not None and found.gain < LITTLE_GAIN and 1 - found.together >= GOOD


def _beats_largest_class(facts: TrainingFacts) -> bool:
    """New images are recognized clearly more often than always guessing the largest class would."""
    known = (facts.validation, facts.train_validation, facts.test)
    return any(one and one.is_clearly_above(facts.largest_class) for one in known)


def _usual(facts: TrainingFacts) -> int:
    """Returns the training images of the class in the middle."""
    return sorted(one.trained for one in facts.classes)[len(facts.classes) // 2]


def _worse(facts: TrainingFacts, first: Measured | None, second: Measured | None) -> bool:
    """Returns whether a part of the error is there, and worth working on."""
    assert first
    assert second
    least = max(GOOD, SMALLEST_PART * facts.held_out.error)
    return not is_good(facts) and drop(first, second) >= least and is_clear(first, second)
