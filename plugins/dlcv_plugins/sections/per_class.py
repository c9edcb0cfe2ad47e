"""Figures by class."""

from typing import ClassVar

from dlcv.interfaces import plugin
from dlcv_plugins.kinds.finished_run import FinishedRun
from dlcv_plugins.kinds.section import Section, SectionContent


@plugin
class PerClass(Section):
    """Lists precision, recall and F1 by class."""

    order: ClassVar[int] = 70

    def render(self, run: FinishedRun) -> SectionContent | None:
        """The table by class of the evaluator `classification_report`."""
        found = run.evaluation("classification_report")
        return None if found is None else SectionContent("By class", (found.tables["by_class"],))
