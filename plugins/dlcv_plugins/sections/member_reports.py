"""Links to the reports of a run's members."""

import os
from typing import ClassVar

from dlcv.interfaces import plugin
from dlcv_plugins.kinds.finished_run import FinishedRun
from dlcv_plugins.kinds.section import Links, Section, SectionContent


@plugin
class MemberReports(Section):
    """Links to the report of each member; only where there are several."""

    order: ClassVar[int] = 20

    def render(self, run: FinishedRun) -> SectionContent | None:
        """A list of links."""
        if not run.members:
            return None
        links = tuple(
            (name, os.path.relpath(path / "report.html", run.path))
            for name, path in zip(run.predictions.member_names, run.members, strict=True)
        )
        return SectionContent("Members", (Links(links),))
