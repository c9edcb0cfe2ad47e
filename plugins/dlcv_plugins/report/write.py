"""Writing a report: into the run's directory, whatever becomes of it."""

import logging
import shlex
from pathlib import Path

from dlcv import files
from dlcv.api import Predictor, notifier, waiting
from dlcv.errors import DlcvError, first_line
from dlcv.registry import SpecList
from dlcv_plugins import pages
from dlcv_plugins.report.finished import finished_run
from dlcv_plugins.report.page import page

logger = logging.getLogger(__name__)
REPORT = "report.html"


def write_report(run: Predictor, *, sections: str | SpecList | None = None) -> Path:
    """Writes `report.html` into a run's directory; one that is there is replaced.

    Pictures whose data is gone, and sections that fail, are missing in it, with a warning.

    Args:
        run: A finished run, or an ensemble with a directory of its own.
        sections: The sections in order, as in the configuration; None for those of the run.

    Returns:
        The page.

    Raises:
        DlcvError: the run is not finished, or its files are damaged.
    """
    about = finished_run(run)
    chosen = about.config.sections if sections is None else sections
    with waiting("writing the report"):
        content, used = page(about, SpecList.parse(chosen) if isinstance(chosen, str) else chosen)
    if missing := used.pictures.missing:
        why = used.pictures.problem or "the data is not what the run was made with"
        logger.warning("the report lacks %d pictures: %s", len(missing), why)
    path = run.path / REPORT
    pages.write(path, content)
    notifier("dlcv_reported")(run=run, path=path)
    return path


def report_finished(run: Predictor) -> None:
    """Writes the report of a run that was just trained; what goes wrong is only a warning."""
    try:
        write_report(run)
    except Exception as error:
        command = f"dlcv report {shlex.quote(str(run.path))}"
        is_expected = isinstance(error, DlcvError | OSError)
        logger.warning(
            "the run is finished, but its report failed: %s; write it with: %s",
            files.failure(error) if is_expected else first_line(error),
            command,
        )
        logger.debug("the report failed", exc_info=True)
