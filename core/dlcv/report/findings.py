"""What a run's figures and curves say about it, and what is to be done then."""

import math
from collections.abc import Callable, Sequence

import attrs

MARGIN = 1.96
"""Standard errors on either side of a 95 % interval."""
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
        """The share of the images that are taken for another class."""
        return 1 - self.accuracy

    @property
    def variance(self) -> float:
        """The square of the accuracy's standard error."""
        return self.accuracy * self.error / self.images


@attrs.frozen
class Epoch:
    """What an epoch ended with; losses may be no numbers where the training diverged."""

    loss: float
    val_loss: float
    rate: float


@attrs.frozen
class Facts:
    """What the rules ask about.

    Attributes:
        training: On the training images, as measured while training, with augmentation.
        train_validation: On images like those of the training that were not trained on; None where
            there is no such part.
        validation: On the validation images.
        test: On the test images; None where they are those of the validation.
        largest_class: The share of the held-out images that the largest class has.
        epochs: The last stage's epochs.
    """

    training: Measured
    train_validation: Measured | None
    validation: Measured
    test: Measured | None
    largest_class: float
    epochs: tuple[Epoch, ...]

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


def drop(first: Measured, second: Measured) -> float:
    """Returns how much lower the second accuracy is, from -1 to 1."""
    return first.accuracy - second.accuracy


def is_clear(first: Measured, second: Measured) -> bool:
    """Returns whether the second accuracy is lower by more than chance explains.

    Chance explains 95 % of the differences up to 1.96 standard errors of a difference of two
    shares: `sqrt(p (1 - p) / m + q (1 - q) / n)`.
    """
    return drop(first, second) > MARGIN * math.sqrt(first.variance + second.variance)


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


@attrs.frozen
class Rule:
    """What is found where a condition holds.

    Attributes:
        topic: What it is about; of a topic's rules, the first that applies holds.
        applies: Whether it holds.
        finding: What is the case.
        figures: Tells the figures that show it.
        advice: What to do.
        source: Who says so.
    """

    topic: str
    applies: Callable[[Facts], bool]
    finding: str
    figures: Callable[[Facts], str]
    advice: str
    source: str


@attrs.frozen
class Finding:
    """What a rule says about a run.

    Attributes:
        topic: What it is about.
        finding: What is the case.
        figures: The figures that show it.
        advice: What to do.
        source: Who says so.
        is_first: Whether it is about the largest part of the error.
    """

    topic: str
    finding: str
    figures: str
    advice: str
    source: str
    is_first: bool


def findings(facts: Facts, rules: Sequence[Rule]) -> list[Finding]:
    """Returns what the rules say, in their order, but for the largest part of the error first."""
    chosen: dict[str, Rule] = {}
    for rule in rules:
        if rule.topic not in chosen and rule.applies(facts):
            chosen[rule.topic] = rule
    found = [
        Finding(
            rule.topic,
            rule.finding,
            rule.figures(facts),
            rule.advice,
            rule.source,
            is_first=rule.topic == facts.largest_part,
        )
        for rule in chosen.values()
    ]
    return sorted(found, key=lambda finding: not finding.is_first)
