"""Diagnoses: a condition, the finding, and remedies that never pull against each other."""

from collections.abc import Callable, Sequence

import attrs

from dlcv_plugins.advice.sources import Source
from dlcv_plugins.advice.training import TrainingFacts

OPPOSITE = {"+": "-", "-": "+"}


def always(facts: TrainingFacts) -> bool:
    """Applies to every training."""
    return True


@attrs.frozen
class Remedy:
    """Something to do.

    Attributes:
        text: An instruction; what is in braces is of the facts, `f`: `{f.run}`.
        pulls: What it changes, and which way: `+length`, `-size`, `+rate`, `-regularization`.
        applies: Whether it makes sense here.
    """

    text: str
    pulls: str = ""
    applies: Callable[[TrainingFacts], bool] = always

    @property
    def opposite(self) -> str:
        """What pulls the other way."""
        return self.pulls and OPPOSITE[self.pulls[0]] + self.pulls[1:]


@attrs.frozen
class Diagnosis:
    """What may be wrong with a training.

    Attributes:
        topic: What it is about; of a topic, the first diagnosis that applies is given.
        applies: Whether it is the case.
        finding: What is the case, in a sentence; what is in braces is of the facts, `f`.
        reason: The figures that show it.
        remedies: What to do, the first thing first.
        sources: Who advises it.
    """

    topic: str
    applies: Callable[[TrainingFacts], bool]
    finding: str
    reason: Callable[[TrainingFacts], str]
    remedies: Sequence[Remedy]
    sources: Sequence[Source]


@attrs.frozen
class NextStep:
    """What to do next: a diagnosis with its texts filled in, and the remedies that are left."""

    topic: str
    finding: str
    reason: str
    remedies: tuple[str, ...]
    sources: tuple[Source, ...]
    is_first: bool

    @property
    def source(self) -> str:
        """Who advises it, in short."""
        return ", ".join(source.short for source in self.sources)


def next_steps(
    facts: TrainingFacts, diagnoses: Sequence[Diagnosis], most: int, most_remedies: int
) -> list[NextStep]:
    """Returns what to do next: of each topic the first diagnosis that applies, in their order.

    A remedy is left out if an earlier one pulls the other way, or if another diagnosis before
    pulls the same way already; a diagnosis is left out if no remedy is left.

    Args:
        facts: What is known.
        diagnoses: In the order of their importance.
        most: How many may be given.
        most_remedies: How many remedies each may have.
    """
    steps: list[NextStep] = []
    topics: set[str] = set()
    pulls: set[str] = set()
    for diagnosis in diagnoses:
        if len(steps) == most or diagnosis.topic in topics or not diagnosis.applies(facts):
            continue
        topics.add(diagnosis.topic)
        remedies: list[str] = []
        before = frozenset(pulls)
        for remedy in diagnosis.remedies:
            if len(remedies) == most_remedies or not remedy.applies(facts):
                continue
            if remedy.pulls in before or remedy.opposite in pulls:
                continue
            remedies.append(_filled(remedy.text, facts))
            pulls |= {remedy.pulls} - {""}
        if remedies:
            steps.append(
                NextStep(
                    diagnosis.topic,
                    _filled(diagnosis.finding, facts),
                    diagnosis.reason(facts),
                    tuple(remedies),
                    tuple(diagnosis.sources),
                    is_first=not steps,
                )
            )
    return steps


def _filled(text: str, facts: TrainingFacts) -> str:
    return text.format(f=facts)
