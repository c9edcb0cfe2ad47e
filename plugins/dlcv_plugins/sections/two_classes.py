"""How well two classes are separated."""

from typing import ClassVar

from dlcv.interfaces import Table, plugin
from dlcv_plugins.kinds.finished_run import FinishedRun
from dlcv_plugins.kinds.section import Section, SectionContent
from dlcv_plugins.sections.found import content_of, in_percent


@plugin
class TwoClasses(Section):
    """Draws ROC, precision and recall, and lists thresholds; only where there are two classes."""

    order: ClassVar[int] = 100

    def render(self, run: FinishedRun) -> SectionContent | None:
        """What the evaluator `binary_scores` found."""
        content = content_of(run, "binary_scores", "Two classes")
        if content is None:
            return None
        parts = (
            in_percent(part, "threshold", "accuracy") if isinstance(part, Table) else part
            for part in content.parts
        )
        return SectionContent(content.title, tuple(parts))
