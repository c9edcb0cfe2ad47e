"""Several networks that answer together."""

from collections.abc import Sequence
from pathlib import Path

import attrs
import numpy as np

from dlcv.errors import DlcvError
from dlcv.interfaces import Combination, LabelledImages, Predictions, combine
from dlcv.runs.answers import Tested
from dlcv.runs.predictor import PixelSteps, Predictor
from dlcv.spec import Spec, SpecList


class Ensemble(Predictor):
    """Several runs with the same classes, whose probabilities are combined.

    Networks, input sizes and preprocessors may differ: each member sees images its own way.

    Attributes:
        members: The runs.
        method: How their probabilities are combined.
    """

    def __init__(
        self,
        members: Sequence[Predictor],
        *,
        method: Combination = "mean",
        path: Path | None = None,
    ) -> None:
        """Puts runs together.

        Args:
            members: The runs, in any order; the first's order of classes is the ensemble's.
            method: `mean`, `weighted` by validation accuracy, `geometric` mean, or `vote`.
            path: Where the ensemble is; by default where its first member is.

        Raises:
            DlcvError: the runs do not know the same classes, or take images of other channels.
        """
        self.members = tuple(members)
        self.method = method
        self.path = path or members[0].path
        self.label_names = members[0].label_names
        for member in members[1:]:
            _refuse_other_classes(members[0], member)
            if member.channels != self.channels:
                raise DlcvError(
                    f"{member.path} takes images of {member.channels} channels, and "
                    f"{members[0].path} of {self.channels}; they can't see the same images"
                )

    @property
    def channels(self) -> int:
        """The channels of the images before the preprocessors."""
        return self.members[0].channels

    @property
    def evaluators(self) -> SpecList:
        """The members beside their combination, then what the first member is evaluated with."""
        combined = Spec("ensemble", {"method": self.method})
        return SpecList([combined, *self.members[0].evaluators])

    def probabilities(self, images: LabelledImages, preprocessors: PixelSteps) -> np.ndarray:
        """Returns the members' probabilities, combined, `(N, classes)` float32."""
        rows = [
            self._in_order(member, member.probabilities(images, preprocessors))
            for member in self.members
        ]
        return combine(np.stack(rows), self.method, self._validation_accuracies())

    def test(
        self,
        data: str | None = None,
        split: str | None = None,
        *,
        bad_images: str = "error",
        preprocessors: PixelSteps = None,
    ) -> Tested:
        """Returns each member's predictions, together, with the images that were left out.

        Raises:
            DlcvError: what a member raises, or the members held out different images.
        """
        tested = [
            member.test(data, split, bad_images=bad_images, preprocessors=preprocessors)
            for member in self.members
        ]
        first = tested[0].predictions
        for member, other in zip(self.members, tested, strict=True):
            if not _same_samples(first, other.predictions):
                raise DlcvError(
                    f"{member.path} and {self.members[0].path} held out different images, so they "
                    "can't be combined on them; name images that none was trained on with --data"
                )
        rows = [
            self._in_order(member, values)
            for member, other in zip(self.members, tested, strict=True)
            for values in other.predictions.probabilities
        ]
        together = attrs.evolve(
            first,
            probabilities=np.stack(rows),
            member_names=tuple(member.path.name for member in self.members),
            validation_accuracies=self._validation_accuracies(),
        )
        return Tested(together, tested[0].skipped)

    def _in_order(self, member: Predictor, values: np.ndarray) -> np.ndarray:
        """Returns a member's probabilities with the classes in the ensemble's order."""
        order = [member.label_names.index(name) for name in self.label_names]
        return values[..., order]

    def _validation_accuracies(self) -> tuple[float, ...]:
        known = [a for member in self.members if (a := member.validation_accuracy) is not None]
        return tuple(known) if len(known) == len(self.members) else ()


def _refuse_other_classes(first: Predictor, other: Predictor) -> None:
    missing = [name for name in first.label_names if name not in other.label_names]
    unknown = [name for name in other.label_names if name not in first.label_names]
    if missing or unknown:
        differences = [
            f"{verb} {', '.join(names)}"
            for verb, names in (("lacks", missing), ("also has", unknown))
            if names
        ]
        raise DlcvError(
            f"{other.path} and {first.path} do not have the same classes: the first of them "
            f"{' and '.join(differences)}"
        )


def _same_samples(first: Predictions, second: Predictions) -> bool:
    """Returns whether predictions are about the same images with the same labels."""

    def named(predictions: Predictions) -> list[str]:
        return [predictions.label_names[i] for i in predictions.labels]

    return first.sample_ids == second.sample_ids and named(first) == named(second)
