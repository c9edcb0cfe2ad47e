"""What evaluators found, for the sections that show it."""

from collections.abc import Iterator

import attrs

from dlcv.errors import DlcvError
from dlcv.interfaces import Evaluation, Table
from dlcv_plugins.kinds.finished_run import FinishedRun
from dlcv_plugins.kinds.section import SectionContent
from dlcv_plugins.wording import percent, words

SHOWN = (
    "rank",
    "ensemble",
    "classification_report",
    "confusion",
    "calibration",
    "binary_scores",
    "worst_mistakes",
)
"""The evaluators that have sections of their own, in the order of the report."""


def evaluators_for(run: FinishedRun) -> list[str]:
    """Returns the evaluators of every report that fit a run."""
    unfit = {
        "ensemble": len(run.predictions.probabilities) == 1,
        "binary_scores": len(run.predictions.label_names) != 2,
    }
    return [name for name in SHOWN if not unfit.get(name)]


def all_evaluations(run: FinishedRun) -> Iterator[tuple[str, Evaluation]]:
    """Yields what the evaluators of every report found, and then those that the run has besides.

    One that fails is left out here: the section that shows it says why.
    """
    wanted = evaluators_for(run)
    for name in wanted:
        try:
            found = run.evaluation(name)
        except DlcvError:
            continue
        if found is not None:
            yield name, found
    seen = {id(run.evaluation(name)) for name in wanted if _is_own(run, name)}
    for name, found in run.evaluations:
        if id(found) not in seen:
            yield name, found


def content_of(run: FinishedRun, evaluator: str, title: str) -> SectionContent | None:
    """Returns the drawings and tables that an evaluator found; None where it found none.

    Raises:
        DlcvError: the evaluator fails.
    """
    found = run.evaluation(evaluator) if evaluator in evaluators_for(run) else None
    if found is None or not (found.drawings or found.tables):
        return None
    return SectionContent(title, (*found.drawings.values(), *found.tables.values()))


def in_percent(table: Table, *columns: str) -> Table:
    """Returns a table whose columns of these names show shares in percent, all names in words."""
    places = [table.columns.index(name) for name in columns]
    rows = tuple(
        tuple(
            percent(cell) if place in places and isinstance(cell, float) else cell
            for place, cell in enumerate(row)
        )
        for row in table.rows
    )
    return attrs.evolve(table, columns=tuple(map(words, table.columns)), rows=rows)


def _is_own(run: FinishedRun, evaluator: str) -> bool:
    return any(name == evaluator for name, _ in run.evaluations)
