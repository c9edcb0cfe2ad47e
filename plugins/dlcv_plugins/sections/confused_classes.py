"""Which classes are taken for which."""

from typing import ClassVar

from dlcv.interfaces import plugin
from dlcv_plugins.kinds.finished_run import FinishedRun
from dlcv_plugins.kinds.section import Part, Section, SectionContent

PAIRS = "confused_pairs"


@plugin
class ConfusedClasses(Section):
    """Draws the confusion matrix, and lists the classes that are confused most."""

    order: ClassVar[int] = 80

    def render(self, run: FinishedRun) -> SectionContent | None:
        """What the evaluator `confusion` found.

        Where it lists no pairs of classes, those of `classification_report` are listed.
        """
        found = run.evaluation("confusion")
        if found is None:
            return None
        parts: list[Part] = [*found.drawings.values()]
        report = run.evaluation("classification_report")
        if PAIRS not in found.tables and report and "most_confused" in report.tables:
            parts.append(report.tables["most_confused"])
        return SectionContent("Confusion", (*parts, *found.tables.values()))
