"""The members of a run beside their combination."""

import re
from typing import ClassVar

import attrs

from dlcv.interfaces import Table, plugin
from dlcv_plugins.kinds.finished_run import FinishedRun
from dlcv_plugins.kinds.section import Section, SectionContent
from dlcv_plugins.sections.found import content_of, in_percent

SHARE = re.compile(r"\d\.\d+")


@plugin
class MembersCompared(Section):
    """Compares each member's accuracy with that of their combination, where there are several."""

    order: ClassVar[int] = 60

    def render(self, run: FinishedRun) -> SectionContent | None:
        """What the evaluator `ensemble` found."""
        content = content_of(run, "ensemble", "Members and ensemble")
        if content is None:
            return None
        tables = [_in_percent(t) for t in content.parts if isinstance(t, Table)]
        return SectionContent(content.title, tuple(tables), is_narrow=True)


def _in_percent(table: Table) -> Table:
    """Returns the table with percentages, those of its intervals, too."""
    shown = in_percent(table, "rank1")
    rows = (
        (name, accuracy, SHARE.sub(lambda share: f"{100 * float(share[0]):.1f}", str(between)))
        for name, accuracy, between in shown.rows
    )
    columns = (*shown.columns[:2], f"{shown.columns[2]}, %")
    return attrs.evolve(shown, columns=columns, rows=tuple(rows))
