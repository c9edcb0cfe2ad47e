"""What to do next."""

from typing import ClassVar

from dlcv.interfaces import plugin
from dlcv_plugins.advice.diagnosis import NextStep
from dlcv_plugins.advice.finished import facts_of
from dlcv_plugins.advice.sources import bibliography
from dlcv_plugins.advice.training import TrainingFacts
from dlcv_plugins.advice.training_rules import next_steps
from dlcv_plugins.kinds.finished_run import FinishedRun
from dlcv_plugins.kinds.section import Details, Notice, Paragraph, Part, Section, SectionContent
from dlcv_plugins.wording import percent

MEANINGS = {
    "bias": "the error on the training images, measured {how}.",
    "variance": "what is added on images like them that were not trained on.",
    "mismatch": "what is added on the validation images, with a train-validation part.",
    "shift": "what is added on the test images, which the data brings.",
    "over-tuning": "what is added on the test images, which were taken from the same images.",
}


@plugin
class NextSteps(Section):
    """Splits the error into its parts, and advises what to do about the largest of them first."""

    order: ClassVar[int] = 30

    def render(self, run: FinishedRun) -> SectionContent | None:
        """Advice for a network, a fitted classifier or members; None in runs too old for it."""
        facts = facts_of(run)
        if facts is None:
            return None
        steps = next_steps(facts)
        parts: list[Part] = [Paragraph(_errors(facts)), *map(_notice, steps)]
        if not steps:
            parts.append(
                Paragraph(
                    "every part of the error is small, or no larger than chance explains.",
                    "Nothing stands out:",
                    "good",
                )
            )
        parts.append(_explanation(run, facts, steps))
        return SectionContent("What to do next", tuple(parts))


def _errors(facts: TrainingFacts) -> str:
    """Returns the share of misclassified images of each kind."""
    known = {
        "training": facts.training,
        "train-validation": facts.train_validation,
        "validation": facts.validation,
        "test": facts.test,
    }
    shares = [f"{percent(one.error)} of the {name} images" for name, one in known.items() if one]
    text = f"Misclassified: {', '.join(shares)}."
    if facts.members:
        text += (
            f" These are the figures of one member; all {facts.members.count} together misclassify "
            f"{percent(1 - facts.members.together)} of the held-out images."
        )
    return text


def _notice(step: NextStep) -> Notice:
    is_urgent = step.is_first or step.topic == "training"
    return Notice(
        title=step.finding,
        text=f"{step.reason[0].upper()}{step.reason[1:]}.",
        label=f"{step.topic} · work on this first" if step.is_first else step.topic,
        action=_action(step.remedies),
        source=step.source,
        tone="warning" if is_urgent else "note",
    )


def _action(remedies: tuple[str, ...]) -> str:
    """Returns what to do, in its order where there are several things."""
    if len(remedies) == 1:
        return remedies[0]
    return "; ".join(f"{number}. {text}" for number, text in enumerate(remedies, start=1))


def _explanation(run: FinishedRun, facts: TrainingFacts, steps: list[NextStep]) -> Details:
    """Returns the parts of the error with their meanings, and the sources in full."""
    how = (
        "while training, with augmentation, which makes it larger, for this run is older than a "
        "measurement without"
        if facts.is_augmented
        else f"without augmentation, on {facts.training.images:,} of them"
    )
    parts = [
        Paragraph(f"{100 * size:+.2f} points, {MEANINGS[name].format(how=how)}", f"{name}:")
        for name, size in facts.parts.items()
    ]
    if run.tests_what_it_validates:
        parts.append(
            Paragraph("The test images are those of the validation, so over-tuning does not show.")
        )
    sources = bibliography(source for step in steps for source in step.sources)
    parts += [Paragraph(f"{source}.", tone="faint") for source in sources]
    return Details("The parts of the error", tuple(parts), is_printed=True)
