"""How well two classes are separated."""

from typing import ClassVar

from dlcv.interfaces import plugin
from dlcv_plugins.kinds.finished_run import FinishedRun
from dlcv_plugins.kinds.section import Section, SectionContent
from dlcv_plugins.sections.found import content_of


@plugin
class TwoClasses(Section):
    """Draws ROC, precision and recall, and lists thresholds; only where there are two classes."""

    order: ClassVar[int] = 100

    def render(self, run: FinishedRun) -> SectionContent | None:
        """What the evaluator `binary_scores` found."""
        return content_of(run, "binary_scores", "Two classes")
