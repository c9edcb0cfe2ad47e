"""What a run was made with."""

from typing import ClassVar

from dlcv.interfaces import plugin
from dlcv_plugins.kinds.finished_run import FinishedRun
from dlcv_plugins.kinds.section import Details, Pairs, Section, SectionContent


@plugin
class VersionsAndMachine(Section):
    """Lists the machine, the versions of the libraries, and the plugins, on request."""

    order: ClassVar[int] = 900

    def render(self, run: FinishedRun) -> SectionContent:
        """Pairs of names and values."""
        environment = run.environment
        plugins = ", ".join(
            f"{plugin['name']} ({plugin['distribution']} {plugin['version']})"
            for plugin in environment["plugins"]
        )
        pairs = (
            ("machine", f"{environment['processor']}, {environment.get('platform', '')}"),
            ("threads", str(environment.get("threads") or "")),
            ("back end", str(environment["back_end"])),
            ("Python", str(environment.get("python", ""))),
            *((name, str(version)) for name, version in environment["libraries"].items()),
            ("plugins", plugins),
        )
        details = Details("Versions and machine", (Pairs(pairs),), is_printed=True)
        return SectionContent("", (details,))
