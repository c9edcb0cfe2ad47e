"""All figures in a table."""

from typing import ClassVar

from dlcv.interfaces import Table, plugin
from dlcv_plugins.kinds.finished_run import FinishedRun
from dlcv_plugins.kinds.section import Paragraph, Section, SectionContent
from dlcv_plugins.sections.found import all_evaluations
from dlcv_plugins.wording import words


@plugin
class MetricTable(Section):
    """Lists every metric with its interval; one that two evaluators give is there once."""

    order: ClassVar[int] = 50

    def render(self, run: FinishedRun) -> SectionContent | None:
        """A table of the metrics of all evaluators, and their notes."""
        rows: dict[str, tuple[str, str, str]] = {}
        notes: dict[str, None] = {}
        for _, found in all_evaluations(run):
            for row in found.rows():
                rows.setdefault(row[0], (words(row[0]), *row[1:]))
            notes |= dict.fromkeys(found.notes)
        if not rows:
            return None
        of = f"On {len(run.predictions.labels):,} images of {run.split}."
        return SectionContent(
            "Metrics",
            is_narrow=True,
            parts=(
                Paragraph(of, tone="faint"),
                *(Paragraph(f"{note}.", "Note:", "warning") for note in notes),
                Table("", ("metric", "value", "95 % interval"), tuple(rows.values())),
            ),
        )
