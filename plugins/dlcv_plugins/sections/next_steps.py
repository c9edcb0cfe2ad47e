"""What to do next."""

from typing import ClassVar

from dlcv.interfaces import plugin
from dlcv_plugins.advice.sources import bibliography
from dlcv_plugins.advice.training import TrainingFacts, facts_of
from dlcv_plugins.advice.training_rules import NextStep, next_steps
from dlcv_plugins.kinds.finished_run import FinishedRun
from dlcv_plugins.kinds.section import Details, Notice, Paragraph, Part, Section, SectionContent
from dlcv_plugins.wording import percent


@plugin
class NextSteps(Section):
    """Splits the error into its parts, and advises what to do about the largest of them first."""

    order: ClassVar[int] = 30

    def render(self, run: FinishedRun) -> SectionContent | None:
        """Advice for a network that was trained; None for fitted classifiers and for members."""
        facts = facts_of(run)
        if facts is None:
            return None
        steps = next_steps(facts)
        parts: list[Part] = [Paragraph(_parts(run, facts)), *map(_notice, steps)]
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


def _parts(run: FinishedRun, facts: TrainingFacts) -> str:
    which = "validation" if run.tests_what_it_validates else "held-out"
    points = ", ".join(f"{100 * share:+.2f} {part}" for part, share in facts.parts.items())
    error = percent(facts.held_out.error)
    return f"{error} of the {which} images are misclassified. In points, that is {points}."


def _notice(step: NextStep) -> Notice:
    found = step.advice
    is_urgent = step.is_first or found.topic == "training"
    return Notice(
        title=found.finding,
        text=f"{found.reason[0].upper()}{found.reason[1:]}.",
        label=f"{found.topic} · work on this first" if step.is_first else found.topic,
        action=found.advice,
        source=found.source,
        tone="warning" if is_urgent else "note",
    )


def _explanation(run: FinishedRun, facts: TrainingFacts, steps: list[NextStep]) -> Details:
    """Returns what the parts of the error mean, and the sources in full."""
    how = (
        "while training, with augmentation, which makes it larger, for this run is older than a "
        "measurement without"
        if facts.is_augmented
        else f"without augmentation, on {facts.training.images:,} of them"
    )
    meanings = [
        ("bias:", f"the error on the training images, measured {how}."),
        ("variance:", "what is added on images like them that were not trained on."),
        ("mismatch:", "what is added on the validation images, with a train-validation part."),
        ("over-tuning:", "what is added on the test images."),
    ]
    parts = [Paragraph(text, name) for name, text in meanings]
    if run.tests_what_it_validates:
        parts.append(
            Paragraph("The test images are those of the validation, so over-tuning does not show.")
        )
    sources = bibliography(source for step in steps for source in step.advice.sources)
    parts += [Paragraph(f"{source}.", tone="faint") for source in sources]
    return Details("What the parts mean", tuple(parts), is_printed=True)
