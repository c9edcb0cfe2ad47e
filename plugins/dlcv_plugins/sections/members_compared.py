"""The members of a run beside their combination."""

from typing import ClassVar

from dlcv.interfaces import plugin
from dlcv_plugins.kinds.finished_run import FinishedRun
from dlcv_plugins.kinds.section import Section, SectionContent
from dlcv_plugins.sections.found import content_of


@plugin
class MembersCompared(Section):
    """Compares each member's accuracy with that of their combination, where there are several."""

    order: ClassVar[int] = 60

    def render(self, run: FinishedRun) -> SectionContent | None:
        """What the evaluator `ensemble` found."""
        return content_of(run, "ensemble", "Members and ensemble")
