"""Advice after a training: the facts that its rules ask about, and from a run to them."""

import logging
import math
from collections.abc import Mapping, Sequence

import attrs

from dlcv.errors import DlcvError
from dlcv_plugins.evaluators.intervals import difference, is_clearly_above
from dlcv_plugins.kinds.finished_run import FinishedRun

logger = logging.getLogger(__name__)
TRAIN_VALIDATION = "train_val"
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


@attrs.frozen
class TrainingFacts:
    """What the rules for a training ask about.

    Attributes:
        training: On the training images, in inference mode and without augmentation.
        train_validation: On images like those of the training that were not trained on; None where
            there is no such part.
        validation: On the validation images.
        test: On the test images; None where they are those of the validation.
        largest_class: The share of the held-out images that the largest class has.
        epochs: The last stage's epochs.
        is_augmented: Whether `training` was measured while training, with augmentation, for the run
            is older than the measurement.
    """

    training: Measured
    train_validation: Measured | None
    validation: Measured
    test: Measured | None
    largest_class: float
    epochs: tuple[Epoch, ...]
    is_augmented: bool = False

    @property
    def held_out(self) -> Measured:
        """On images that nothing was fitted to, as far as there are any."""
        return self.test or self.validation

    @property
    def unseen(self) -> Measured:
        """On the images that are most like those of the training, and were not trained on."""
        return self.train_validation or self.validation

    @property
    def parts(self) -> dict[str, float]:
        """What the error on held-out images is made up of, as shares of the images.

        A part is negative where the later images are the easier ones.
        """
        parts = {"bias": self.training.error, "variance": drop(self.training, self.unseen)}
        if self.train_validation:
            parts["mismatch"] = drop(self.train_validation, self.validation)
        if self.test:
            parts["over-tuning"] = drop(self.validation, self.test)
        return parts

    @property
    def largest_part(self) -> str:
        """The part of the error that is the largest: what to work on first."""
        parts = self.parts
        return max(parts, key=lambda name: parts[name])

    @property
    def best(self) -> int:
        """The place among `epochs` of the lowest validation loss, from 0."""
        losses = [e.val_loss if math.isfinite(e.val_loss) else math.inf for e in self.epochs]
        return losses.index(min(losses))

    @property
    def rate_is_spent(self) -> bool:
        """Whether the schedule has brought the learning rate to a hundredth of its largest."""
        return self.epochs[-1].rate <= max(e.rate for e in self.epochs) / 100

    def texts(self) -> Mapping[str, object]:
        """Returns nothing: the texts of these rules are made of facts by functions."""
        return {}


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


def facts_of(run: FinishedRun) -> TrainingFacts | None:
    """Returns the facts of a run; None without epochs or an accuracy, or with several members."""
    found = run.evaluation("rank")
    trained, history = run.trained_row, run.history
    if found is None or trained is None or not history:
        return None
    held_out = Measured(found.metrics["rank1"], len(run.predictions.labels))
    rows = [row for row in history if row["stage"] == len(run.config.stages)]
    training = _measured(run, "train")
    return TrainingFacts(
        training=training or Measured(trained["accuracy"], run.images("train") or held_out.images),
        train_validation=_train_validation(run),
        validation=Measured(trained["val_accuracy"], run.images("val") or held_out.images),
        test=None if run.tests_what_it_validates else held_out,
        largest_class=run.largest_class,
        epochs=tuple(Epoch(r["loss"], r["val_loss"], r["learning_rate"]) for r in rows),
        is_augmented=training is None,
    )


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
