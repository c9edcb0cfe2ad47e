"""The report of a run that was just trained, as a hook: runs know nothing of reports."""

from typing import Any

from dlcv import hook


@hook(tryfirst=True)
def dlcv_run_finished(run: Any, result: dict[str, Any]) -> None:
    """Writes the report, before the hooks that may send it somewhere."""
    from dlcv_plugins.report.write import report_finished

    report_finished(run)
