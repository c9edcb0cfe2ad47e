"""The figures that come first."""

from typing import ClassVar

from dlcv.interfaces import plugin
from dlcv_plugins.kinds.finished_run import FinishedRun
from dlcv_plugins.kinds.section import Highlight, Highlights, Section, SectionContent
from dlcv_plugins.wording import duration, percent


@plugin
class Headline(Section):
    """Shows the accuracy with its interval beside that of guessing, and the training's size."""

    order: ClassVar[int] = 10

    def render(self, run: FinishedRun) -> SectionContent:
        """Figures in large type, without a heading; an accuracy only where one is known."""
        figures = [
            *_accuracy(run),
            Highlight(str(len(run.predictions.label_names)), "classes"),
        ]
        if run.members:
            figures.append(Highlight(str(len(run.members)), "members"))
        elif epochs := len(run.history):
            figures.append(Highlight(str(epochs), "epoch" if epochs == 1 else "epochs"))
        if seconds := run.results.get("training_seconds"):
            figures.append(Highlight(duration(seconds), "training"))
        if parameters := run.environment.get("parameters"):
            total = parameters * max(1, len(run.members))
            figures.append(Highlight(f"{total:,}", "parameters"))
        return SectionContent("", (Highlights(tuple(figures)),))


def _accuracy(run: FinishedRun) -> list[Highlight]:
    """Returns the accuracy, of members together, and that of guessing."""
    found = run.evaluation("rank")
    if found is None:
        return []
    of = f"accuracy on {len(run.predictions.labels):,} images of {run.split}"
    if run.tests_what_it_validates:
        of += ", also used for validation"
    accuracy, (low, high) = found.metrics["rank1"], found.intervals["rank1"]
    guess = run.largest_class
    return [
        Highlight(
            percent(accuracy),
            of,
            f"95 %: {100 * low:.2f} to {percent(high)}",
            share=accuracy,
            between=(low, high),
            mark=guess,
        ),
        Highlight(percent(guess), "guessing the largest class"),
    ]
