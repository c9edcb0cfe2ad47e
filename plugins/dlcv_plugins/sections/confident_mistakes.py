"""The mistakes that a network is most sure of."""

from typing import ClassVar

from dlcv.interfaces import plugin
from dlcv_plugins.kinds.drawing import Picture, Pictures
from dlcv_plugins.kinds.finished_run import FinishedRun
from dlcv_plugins.kinds.section import Section, SectionContent
from dlcv_plugins.wording import percent


@plugin
class ConfidentMistakes(Section):
    """Shows the images that are misclassified with the highest probability: check their labels."""

    order: ClassVar[int] = 400

    def render(self, run: FinishedRun) -> SectionContent | None:
        """What the evaluator `worst_mistakes` found."""
        found = run.evaluation("worst_mistakes")
        if found is None or not found.tables:
            return None
        table = found.tables["worst_mistakes"]
        pictures = tuple(
            Picture(sample, predicted, percent(probability), (f"true: {true}",), "error")
            for sample, (_, true, predicted, probability) in zip(
                table.sample_ids, table.rows, strict=True
            )
        )
        return SectionContent("Worst mistakes", (Pictures(pictures, table.title),))
