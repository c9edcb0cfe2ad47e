"""The mistakes that a network is most sure of."""

from typing import ClassVar

from dlcv.interfaces import plugin
from dlcv_plugins.kinds.finished_run import FinishedRun
from dlcv_plugins.kinds.section import Section, SectionContent
from dlcv_plugins.sections.found import content_of


@plugin
class ConfidentMistakes(Section):
    """Shows the images that are misclassified with the highest probability: check their labels."""

    order: ClassVar[int] = 400

    def render(self, run: FinishedRun) -> SectionContent | None:
        """What the evaluator `worst_mistakes` found."""
        return content_of(run, "worst_mistakes", "Worst mistakes")
