"""What evaluators found that have no section of their own."""

from typing import ClassVar

from dlcv.interfaces import plugin
from dlcv_plugins.kinds.finished_run import FinishedRun
from dlcv_plugins.kinds.section import Part, Section, SectionContent
from dlcv_plugins.sections.found import SHOWN


@plugin
class FurtherEvaluators(Section):
    """Shows the drawings and tables of the run's other evaluators."""

    order: ClassVar[int] = 200

    def render(self, run: FinishedRun) -> SectionContent | None:
        """Drawings, then tables, evaluator by evaluator."""
        parts: list[Part] = []
        names = []
        for name, found in run.evaluations:
            if name not in SHOWN and (found.drawings or found.tables):
                names.append(name)
                parts += [*found.drawings.values(), *found.tables.values()]
        return SectionContent(", ".join(dict.fromkeys(names)), tuple(parts)) if parts else None
