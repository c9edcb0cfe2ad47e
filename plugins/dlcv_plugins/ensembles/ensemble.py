"""Several networks that predict together."""

import logging
import typing
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs
import numpy as np

from dlcv.api import LabelledPredictions, PixelSteps, Predictor, track
from dlcv.errors import DlcvError
from dlcv.interfaces import Combination, LabelledImages, Predictions, combine
from dlcv.registry import Spec, SpecList

EVALUATOR = "ensemble"
"""The evaluator that sets members beside their combination."""


class Ensemble(Predictor):
    """Several runs with the same classes, whose probabilities are combined.

    Networks, input sizes and preprocessors may differ: each member sees images its own way. An
    ensemble among the members counts as its own members.

    Attributes:
        members: The runs.
        names: What names each member to people.
        method: How their probabilities are combined.
    """

    def __init__(
        self,
        members: Sequence[Predictor],
        *,
        method: Combination = "mean",
        path: Path | None = None,
        names: Sequence[str] = (),
    ) -> None:
        """Puts runs together.

        Args:
            members: The runs, in any order; the first's order of classes is the ensemble's.
            method: `mean`, `weighted` by validation accuracy, `geometric` mean, or `vote`.
            path: Where the ensemble is; by default where its first member is.
            names: What names each member to people; by default their folders.

        Raises:
            DlcvError: there are no members, they do not have the same classes or take images of
                other channels, or there is no such method.
        """
        if not members:
            raise DlcvError("an ensemble needs at least one member")
        if method not in typing.get_args(Combination):
            expected = ", ".join(typing.get_args(Combination))
            raise DlcvError(f'method: expected one of {expected}, received "{method}"')
        self.path = path or members[0].path
        self.method = method
        self.members, self.names = _flattened(members, names or _names(members))
        self.label_names = self.members[0].label_names
        for member in self.members[1:]:
            _refuse_other_classes(self.members[0], member)
            if member.channels != self.channels:
                raise DlcvError(
                    f"{member.path} takes images of {member.channels} channels, and "
                    f"{self.members[0].path} of {self.channels}; they can't take the same images"
                )

    def __repr__(self) -> str:
        """Returns the path, the members' names and the method."""
        return f"Ensemble({str(self.path)!r}, {', '.join(self.names)}, method={self.method!r})"

    @property
    def channels(self) -> int:
        """The channels of the images before the preprocessors."""
        return self.members[0].channels

    @property
    def evaluators(self) -> SpecList:
        """The members beside their combination, then what the first member is evaluated with."""
        combined = Spec(EVALUATOR, {"method": self.method})
        others = [spec for spec in self.members[0].evaluators if spec.name != EVALUATOR]
        return SpecList([combined, *others])

    def probabilities(self, images: LabelledImages, preprocessors: PixelSteps) -> np.ndarray:
        """Returns the members' probabilities, combined, `(N, classes)` float32."""
        with logged_once():
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
    ) -> LabelledPredictions:
        """Returns each member's predictions, together, with the images that were left out.

        Raises:
            DlcvError: what a member raises, or the members held out different images.
        """
        with logged_once():
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
            self._in_order(member, other.predictions.probabilities[0])
            for member, other in zip(self.members, tested, strict=True)
        ]
        together = attrs.evolve(
            first,
            probabilities=np.stack(rows),
            member_names=self.names,
            validation_accuracies=self._validation_accuracies(),
            method=self.method,
        )
        return LabelledPredictions(together, tested[0].skipped)

    def _in_order(self, member: Predictor, values: np.ndarray) -> np.ndarray:
        """Returns a member's probabilities with the classes in the ensemble's order."""
        order = [member.label_names.index(name) for name in self.label_names]
        return values[:, order]

    def _validation_accuracies(self) -> tuple[float, ...]:
        known = [a for member in self.members if (a := member.validation_accuracy) is not None]
        return tuple(known) if len(known) == len(self.members) else ()


def named_method(evaluators: Iterable[Spec]) -> Combination | None:
    """Returns how evaluators want members to be combined; None if they name no method."""
    found = next((spec.options for spec in evaluators if spec.name == EVALUATOR), {})
    # In a spec, a word is a spec itself.
    return typing.cast("Combination", str(found["method"])) if "method" in found else None


@contextmanager
def logged_once() -> Iterator[None]:
    """Shows a message that comes again, such as that an image is left out, once in the block."""
    loggers = (logging.getLogger("dlcv"), logging.getLogger())
    filters = {handler: _OnlyNew() for logger in loggers for handler in logger.handlers}
    for handler, only_new in filters.items():
        handler.addFilter(only_new)
    try:
        yield
    finally:
        for handler, only_new in filters.items():
            handler.removeFilter(only_new)


class _OnlyNew(logging.Filter):
    """Lets a message pass once, except progress, which may read the same for each member."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        is_new = message not in self._seen or record.name == track.__module__
        self._seen.add(message)
        return is_new


def _names(members: Sequence[Predictor]) -> list[str]:
    """Returns the members' folders, or their whole paths or numbers where those are the same."""
    folders = [member.path.name for member in members]
    paths = [str(member.path) for member in members]
    numbered = [f"{number}: {path}" for number, path in enumerate(paths, 1)]
    return next(names for names in (folders, paths, numbered) if len({*names}) == len(members))


def _flattened(
    members: Sequence[Predictor], names: Sequence[str]
) -> tuple[tuple[Predictor, ...], tuple[str, ...]]:
    """Returns members and their names, with the members of ensembles in the place of these."""
    networks: list[tuple[Predictor, str]] = []
    for member, name in zip(members, names, strict=True):
        if isinstance(member, Ensemble):
            inner = (f"{name}, {inner}" for inner in member.names)
            networks += zip(member.members, inner, strict=True)
        else:
            networks.append((member, name))
    return tuple(n for n, _ in networks), tuple(name for _, name in networks)


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
