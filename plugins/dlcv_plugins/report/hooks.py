"""The report of a run, and what a notebook shows of it, as hooks: runs know nothing of pages."""

from typing import Any

from dlcv import hook


@hook(tryfirst=True)
def dlcv_run_finished(run: Any, result: dict[str, Any]) -> None:
    """Writes the report, before the hooks that may send it somewhere."""
    from dlcv_plugins.report.write import report_finished

    report_finished(run)


@hook
def dlcv_html(run: Any) -> str:
    """Returns the figures and curves."""
    from dlcv_plugins.report.notebook import as_html

    return as_html(run)
