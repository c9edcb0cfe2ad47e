"""Whether probabilities can be trusted."""

from typing import ClassVar

from dlcv.interfaces import plugin
from dlcv_plugins.kinds.finished_run import FinishedRun
from dlcv_plugins.kinds.section import Section, SectionContent
from dlcv_plugins.sections.found import content_of


@plugin
class Reliability(Section):
    """Shows whether a probability of 80 % is right in 80 % of the cases."""

    order: ClassVar[int] = 90

    def render(self, run: FinishedRun) -> SectionContent | None:
        """What the evaluator `calibration` found."""
        return content_of(run, "calibration", "Calibration")
