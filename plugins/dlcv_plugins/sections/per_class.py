"""Figures by class."""

from collections import Counter
from typing import ClassVar

from dlcv.interfaces import Table, plugin
from dlcv_plugins.evaluators.answers import NO_CLASS, predicted_classes
from dlcv_plugins.kinds.finished_run import FinishedRun
from dlcv_plugins.kinds.section import Section, SectionContent
from dlcv_plugins.wording import percent


@plugin
class PerClass(Section):
    """Lists precision, recall, F1 and the mistakes by class."""

    order: ClassVar[int] = 70

    def render(self, run: FinishedRun) -> SectionContent | None:
        """The table by class of the evaluator `classification_report`, with mistakes."""
        found = run.evaluation("classification_report")
        if found is None:
            return None
        by_class = found.tables["by_class"]
        mistakes = _mistakes(run)
        columns = ("class", "images", "wrong", "precision", "recall", "F1", "most often taken for")
        rows = [
            (name, images, wrong.total(), *(percent(float(figure)) for figure in figures), taken)
            for (name, *figures, images), wrong, taken in zip(
                by_class.rows,
                (*mistakes, sum(mistakes, Counter())),
                (*(_most_common(run, wrong) for wrong in mistakes), ""),
                strict=True,
            )
        ]
        table = Table(by_class.title, columns, tuple(rows), foot=by_class.foot)
        return SectionContent("By class", (table,), is_narrow=True)


def _mistakes(run: FinishedRun) -> list[Counter[int]]:
    """Returns how often each class is taken for each other."""
    predictions = run.predictions
    mistakes: list[Counter[int]] = [Counter() for _ in predictions.label_names]
    predicted = predicted_classes(predictions.combined)
    for true, answer in zip(predictions.labels.tolist(), predicted.tolist(), strict=True):
        if answer != true:
            mistakes[true][answer] += 1
    return mistakes


def _most_common(run: FinishedRun, wrong: Counter[int]) -> str:
    """Returns the class that is most often predicted instead, and how often."""
    for answer, count in wrong.most_common(1):
        name = "none" if answer == NO_CLASS else run.predictions.label_names[answer]
        return f"{name} ({count:,})"
    return ""
