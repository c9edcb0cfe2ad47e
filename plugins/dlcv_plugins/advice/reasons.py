"""The figures that show what is wrong with a training, in words."""

from dlcv_plugins.advice.conditions import best_and_last, is_short
from dlcv_plugins.advice.training import Measured, TrainingFacts, change
from dlcv_plugins.wording import percent


def of_divergence(facts: TrainingFacts) -> str:
    """The loss that is no number."""
    return f"the training loss of the last epoch is {facts.epochs[-1].loss}"


def of_statistics(facts: TrainingFacts) -> str:
    """The accuracy on the training images, while training and after it."""
    assert facts.while_training
    return (
        f"{percent(facts.while_training.accuracy)} of the training images were classified "
        f"correctly while training, which uses each batch's own statistics, and "
        f"{percent(facts.training.accuracy)} of the same images by the network that was saved"
    )


def of_forgetting(facts: TrainingFacts) -> str:
    """The validation accuracy before the last stage and after it."""
    assert facts.stage_before
    assert facts.validation
    return (
        f"accuracy on {facts.validation.images:,} validation images: "
        f"{percent(facts.stage_before.accuracy)} before the last stage, "
        f"{percent(facts.validation.accuracy)} after it"
    )


def of_guessing(facts: TrainingFacts) -> str:
    """The accuracies, beside that of guessing."""
    return (
        f"accuracy: {_each(facts)}; always guessing the largest class scores "
        f"{percent(facts.largest_class)} of the {facts.held_out.images:,} held-out images"
    )


def of_favorite(facts: TrainingFacts) -> str:
    """How many images are predicted to be of one class, and how many are of it."""
    return (
        f"{percent(facts.favorite)} of the {facts.held_out.images:,} held-out images are predicted "
        f"to be of one class; {percent(facts.largest_class)} are of the largest class"
    )


def of_few(facts: TrainingFacts) -> str:
    """How many images there are, and what that means."""
    return (
        f"there are about {facts.per_class:,.0f} training images a class, and training from "
        f"scratch needs 1,000 to 5,000. On 720 photographs of twelve flowers, networks trained "
        f"from scratch reached 11 to 81 %, and dlcv transfer 95.8 %"
    )


def of_copies(facts: TrainingFacts) -> str:
    """What the accuracy is without the copies."""
    found = facts.without_copies
    without = "all of them are" if found is None else f"without them it is {percent(found)}"
    return (
        f"{percent(facts.copies)} of the test images are copies of training images, or nearly, and "
        f"the accuracy of {percent(facts.held_out.accuracy)} counts them; {without}"
    )


def of_rare_class(facts: TrainingFacts) -> str:
    """How the rarest class is recognized."""
    rarest = facts.rarest
    assert rarest
    if not rarest.held_out:
        return "no image of it was held out, so nobody knows how well it is recognized"
    return (
        f"{rarest.right} of its {rarest.held_out} held-out images "
        f"{'is' if rarest.right == 1 else 'are'} recognized, and the accuracy of "
        f"{percent(facts.held_out.accuracy)} hardly depends on it"
    )


def of_training(facts: TrainingFacts) -> str:
    """The error on training images, and how the loss changes."""
    while_training = " while training, with augmentation" if facts.is_augmented else ""
    text = f"{percent(facts.training.error)} of the training images are misclassified"
    text += while_training
    if not facts.epochs:
        return f"{text}, and {percent(facts.held_out.error)} of the held-out images"
    if is_short(facts):
        few = len(facts.epochs)
        return f"{text}, after only {few} epoch{'s' if few > 1 else ''}"
    return f"{text}; {_of_losses(facts)}"


def of_slowness(facts: TrainingFacts) -> str:
    """How little the training loss fell in all."""
    first, last = facts.epochs[0], facts.epochs[-1]
    return (
        f"the training loss went from {first.loss:.3f} to {last.loss:.3f} in "
        f"{len(facts.epochs)} epochs, without a rise; {percent(facts.training.error)} of the "
        "training images are misclassified"
    )


def of_variance(facts: TrainingFacts) -> str:
    """The accuracies on training images, and on others like them."""
    text = f"accuracy: training {percent(facts.training.accuracy)}, "
    if facts.train_validation:
        return f"{text}train-validation {percent(facts.train_validation.accuracy)}"
    name = "validation" if facts.validation else "test"
    text += f"{name} {percent(facts.unseen.accuracy)} of {facts.unseen.images:,} images"
    if facts.own_validation and facts.validation:
        text += " (part of the gap may be a mismatch of the data; --train-validation 0.05 shows it)"
    return text


def of_mismatch(facts: TrainingFacts) -> str:
    """The accuracies on train-validation and validation images."""
    assert facts.train_validation
    assert facts.validation
    return (
        f"accuracy: train-validation {percent(facts.train_validation.accuracy)}, validation "
        f"{percent(facts.validation.accuracy)}"
    )


def of_test(facts: TrainingFacts) -> str:
    """The accuracies on validation and test images."""
    assert facts.validation
    assert facts.test
    return (
        f"accuracy: validation {percent(facts.validation.accuracy)}, test "
        f"{percent(facts.test.accuracy)} on {facts.test.images:,} images"
    )


def of_overfitting(facts: TrainingFacts) -> str:
    """The losses at the best epoch and at the last."""
    best, last = best_and_last(facts)
    text = (
        f"the validation loss was {best.val_loss:.3f} after epoch {facts.best + 1} of "
        f"{len(facts.epochs)}, and is {last.val_loss:.3f}; the training loss fell from "
        f"{best.loss:.3f} to {last.loss:.3f}"
    )
    if last.val_accuracy >= best.val_accuracy:
        text += ". The accuracy did not fall: what gets worse is how sure the wrong predictions are"
    return text


def of_falling(facts: TrainingFacts) -> str:
    """How both losses change at the end."""
    text = _of_losses(facts)
    if facts.rate_is_spent:
        text += f"; the learning rate has come down to {facts.epochs[-1].rate:.2g}"
    return text


def of_members(facts: TrainingFacts) -> str:
    """What combining gains."""
    found = facts.members
    assert found
    return (
        f"{found.count} members have {percent(found.alone)} each, on average, and "
        f"{percent(found.together)} together"
    )


def of_grid(facts: TrainingFacts) -> str:
    """Where the best strength lies."""
    return (
        f"the best C of the cross-validation is the {facts.way.grid_end} that was tried, so the "
        "best of all may lie beyond it"
    )


def _of_losses(facts: TrainingFacts) -> str:
    training = change([e.loss for e in facts.epochs])
    validation = change([e.val_loss for e in facts.epochs])
    return (
        f"at the end the training loss changes by {100 * training:+.1f} %, the validation loss by "
        f"{100 * validation:+.1f} %"
    )


def _each(facts: TrainingFacts) -> str:
    known: dict[str, Measured | None] = {
        "training": facts.training,
        "train-validation": facts.train_validation,
        "validation": facts.validation,
        "test": facts.test,
    }
    return ", ".join(f"{name} {percent(one.accuracy)}" for name, one in known.items() if one)
