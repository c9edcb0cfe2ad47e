"""What the rules for advice after a training ask about."""

import math
from collections.abc import Sequence

import attrs

from dlcv_plugins.evaluators.intervals import (
    difference,
    is_clearly_above,
    mean_is_clearly_above,
)

WINDOW_SHARE = 5
"""The end of the curves is the last of so many equal parts; it is compared with the one before."""


@attrs.frozen
class Measured:
    """An accuracy.

    Attributes:
        accuracy: From 0 to 1.
        images: The number of images that it was measured on.
    """

    accuracy: float
    images: int

    @property
    def error(self) -> float:
        """The share of the images that are misclassified."""
        return 1 - self.accuracy

    @property
    def right(self) -> int:
        """The number of images that are classified correctly."""
        return round(self.accuracy * self.images)

    def is_clearly_above(self, share: float) -> bool:
        """Returns whether it is above a share by more than chance explains."""
        return is_clearly_above(self.right, self.images, share)


@attrs.frozen
class Epoch:
    """What an epoch ended with; losses may be no numbers where the training diverged."""

    loss: float
    val_loss: float
    rate: float
    val_accuracy: float = math.nan


@attrs.frozen
class ClassCount:
    """A class: how many images it was trained on, and how many held-out ones are recognized."""

    name: str
    trained: int
    held_out: int
    right: int

    @property
    def images(self) -> str:
        """How many training images there are, in words."""
        return f"{self.trained} training image{'' if self.trained == 1 else 's'}"

    @property
    def recall(self) -> float:
        """The share of its held-out images that are recognized; 0 where there are none."""
        return self.right / max(1, self.held_out)


@attrs.frozen
class Way:
    """How a network was trained, as far as advice depends on it.

    Attributes:
        pretrained: Whether it began with weights that were trained before.
        classifier: The name of the classifier that was fitted to features; empty where a network
            was trained in epochs.
        frozen: Whether the last stage trains a part of the network only.
        augments: Whether images are changed at random.
        stops_early: Whether the weights are those of the epoch with the lowest validation loss.
        color: Whether the images have three channels.
        grid_end: Where the best strength of a fitted classifier lies among those that were tried:
            at the `lowest`, at the `highest`, or empty.
        beyond: Strengths to try beyond that end: `C=(0.001, 0.01)`.
    """

    pretrained: bool = False
    classifier: str = ""
    frozen: bool = False
    augments: bool = False
    stops_early: bool = False
    color: bool = True
    grid_end: str = ""
    beyond: str = ""

    @property
    def fitted(self) -> bool:
        """Whether a classifier was fitted to features, and no epochs trained."""
        return bool(self.classifier)


@attrs.frozen
class Members:
    """Several networks that predict together.

    Attributes:
        count: How many there are.
        alone: The accuracy of one, on average.
        together: That of all together, on the same images.
    """

    count: int
    alone: float
    together: float

    @property
    def gain(self) -> float:
        """What combining adds to the accuracy, from -1 to 1."""
        return self.together - self.alone


@attrs.frozen
class TrainingFacts:
    """What the rules for a training ask about.

    Attributes:
        training: On the training images, in inference mode and without augmentation.
        train_validation: On images like those of the training that were not trained on; None where
            there is no such part.
        validation: On the validation images; None where a fitted classifier had none.
        test: On the test images; None where they are those of the validation.
        largest_class: The share of the held-out images that the largest class has.
        epochs: The last stage's epochs; none where a classifier was fitted.
        is_augmented: Whether `training` was measured while training, with augmentation, for the run
            is older than the measurement.
        while_training: The accuracy on training images while training, in the epoch that the
            weights are from; None where a classifier was fitted.
        stage_before: On the validation images, at the end of the last stage but one; None where
            there is one stage.
        favorite: The share of the held-out images that are predicted to be of one class, the
            largest such share.
        own_validation: Whether the data has a validation part of its own, which may be unlike the
            training images.
        own_test: Whether it has such a test part.
        classes: The classes, where it is known how many images of each were trained on.
        per_class: Training images a class.
        copies: The share of the test images that have copies among the training images.
        without_copies: The accuracy on the others; None where there are no copies.
        way: How the network was trained.
        members: The members, where there are several; the other facts are then those of one.
        run: The run's path, for commands; of several members, that of the whole run.
        data: The data, for commands.
    """

    training: Measured
    train_validation: Measured | None
    validation: Measured | None
    test: Measured | None
    largest_class: float
    epochs: tuple[Epoch, ...] = ()
    is_augmented: bool = False
    while_training: Measured | None = None
    stage_before: Measured | None = None
    favorite: float = 0.0
    own_validation: bool = False
    own_test: bool = False
    classes: tuple[ClassCount, ...] = ()
    per_class: float = math.inf
    copies: float = 0.0
    without_copies: float | None = None
    way: Way = Way()
    members: Members | None = None
    run: str = "RUN"
    data: str = "DATA"

    @property
    def held_out(self) -> Measured:
        """On images that nothing was fitted to, as far as there are any."""
        found = self.test or self.validation
        assert found is not None
        return found

    @property
    def unseen(self) -> Measured:
        """On the images that are most like those of the training, and were not trained on."""
        return self.train_validation or self.validation or self.held_out

    @property
    def parts(self) -> dict[str, float]:
        """What the error on held-out images is made up of, as shares of the images.

        A part is negative where the later images are the easier ones.
        """
        parts = {"bias": self.training.error, "variance": drop(self.training, self.unseen)}
        if self.train_validation and self.validation:
            parts["mismatch"] = drop(self.train_validation, self.validation)
        if self.test and self.validation:
            parts["shift" if self.own_test else "over-tuning"] = drop(self.validation, self.test)
        return parts

    @property
    def best(self) -> int:
        """The place among `epochs` of the lowest validation loss, from 0."""
        losses = [e.val_loss if math.isfinite(e.val_loss) else math.inf for e in self.epochs]
        return losses.index(min(losses))

    @property
    def rate_is_spent(self) -> bool:
        """Whether the schedule has brought the learning rate to a tenth of its largest."""
        rates = [epoch.rate for epoch in self.epochs]
        return bool(rates) and rates[-1] <= max(rates) / 10

    @property
    def tells_classes_apart(self) -> bool:
        """Whether the mean recall of the classes is clearly above that of any way of guessing.

        Guessing has a mean recall of one by the number of classes, whichever class it prefers.
        """
        counts = [(one.right, one.held_out) for one in self.classes if one.held_out]
        return bool(counts) and mean_is_clearly_above(counts, 1 / len(counts))

    @property
    def misses_most_classes(self) -> bool:
        """Whether the mean recall of the classes is nearer to that of guessing than to 1."""
        recalls = [one.recall for one in self.classes if one.held_out]
        return bool(recalls) and 2 * sum(recalls) < len(recalls) + 1

    @property
    def may_be_resumed(self) -> bool:
        """Whether more epochs can be added; members would have to be resumed one by one."""
        return not self.rate_is_spent and self.members is None

    @property
    def rarest(self) -> ClassCount | None:
        """The class with the fewest training images; None where they are not known."""
        return min(self.classes, key=lambda one: (one.trained, one.recall), default=None)


def drop(first: Measured, second: Measured) -> float:
    """Returns how much lower the second accuracy is, from -1 to 1."""
    return first.accuracy - second.accuracy


def is_clear(first: Measured, second: Measured) -> bool:
    """Returns whether the second accuracy is lower by more than chance explains.

    That is where the 95 % interval of the difference lies above 0.
    """
    low, _ = difference((first.right, first.images), (second.right, second.images))
    return low > 0


def change(values: Sequence[float]) -> float:
    """Returns by what share a loss changed from the last but one part of the epochs to the last.

    Args:
        values: A loss an epoch. Of ten epochs, the mean of the last two is compared with that of
            the two before; of fewer than two there is no change.
    """
    window = max(1, len(values) // WINDOW_SHARE)
    last, before = values[-window:], values[-2 * window : -window]
    if not before or not sum(before):
        return 0.0
    return sum(last) / len(last) / (sum(before) / len(before)) - 1


def steadiness(epochs: Sequence[Epoch]) -> float:
    """Returns how much of its first speed the training loss still has at the end.

    The speed is the fall of the loss for each unit of the learning rate, so that a rate that was
    lowered by a schedule does not look like a network that has learned all it can. About 1 means a
    straight line: the rate is too low, or the training too short. Near 0 the loss has settled.

    Args:
        epochs: At least four; of fewer, it is 0.
    """
    if len(epochs) < 4:
        return 0.0
    middle = len(epochs) // 2
    first, last = (
        (part[0].loss - part[-1].loss) / max(sum(e.rate for e in part[1:]), 1e-30)
        for part in (epochs[: middle + 1], epochs[middle:])
    )
    return last / first if first > 0 else 0.0
