"""What evaluators say about a run for its report; what one of them can't say costs no report."""

import logging
from collections.abc import Mapping

import attrs

from dlcv import registry
from dlcv.errors import first_line
from dlcv.interfaces import Evaluation, Predictions
from dlcv.registry.spec import Spec, SpecList

logger = logging.getLogger(__name__)
ORDER = (
    "rank",
    "ensemble",
    "classification_report",
    "confusion",
    "calibration",
    "binary_scores",
)
"""The evaluators of a report, in its order; those that a run has besides follow."""
LAST = "worst_mistakes"


@attrs.frozen
class Evaluated:
    """What an evaluator found.

    Attributes:
        name: The evaluator's.
        evaluation: What it found.
        problem: Why it found nothing, in words; empty if it did.
    """

    name: str
    evaluation: Evaluation
    problem: str = ""


def evaluated(
    predictions: Predictions, own: SpecList, done: Mapping[str, Evaluation] | None = None
) -> dict[str, Evaluated]:
    """Returns what each evaluator found, by its name, in the order of the report.

    Args:
        predictions: What to evaluate.
        own: The run's own evaluators, with their options; to them come those of every report.
        done: What some of them found already, by name.
    """
    done = done or {}
    specs = {spec.name: spec for spec in own}
    known = registry.names("evaluator")
    wanted = [*ORDER, *(name for name in specs if name not in (*ORDER, LAST)), LAST]
    if len(predictions.label_names) != 2:
        wanted.remove("binary_scores")
    if len(predictions.probabilities) == 1:
        wanted.remove("ensemble")
    return {
        name: Evaluated(name, done[name])
        if name in done
        else _evaluated(name, specs.get(name, Spec(name)), predictions)
        for name in wanted
        if name in specs or name in known
    }


def _evaluated(name: str, spec: Spec, predictions: Predictions) -> Evaluated:
    try:
        found = registry.create("evaluator", spec).evaluate(predictions)
    except Exception as error:
        logger.debug("the evaluator %s failed", name, exc_info=True)
        return Evaluated(name, Evaluation({}), first_line(error))
    return Evaluated(name, found)
