"""Running evaluators on predictions, each once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from dlcv import registry
from dlcv.errors import DlcvError, PluginError
from dlcv.interfaces import Evaluation, Evaluator, Predictions
from dlcv.registry.guard import notifier


@attrs.frozen
class Evaluated:
    """What one evaluator found.

    Attributes:
        evaluator: The evaluator.
        name: The name that it is registered by; its class's name if it is not registered.
        evaluation: What it found.
    """

    evaluator: Evaluator
    name: str
    evaluation: Evaluation


def evaluate_each(
    predictions: Predictions, evaluators: Iterable[Evaluator]
) -> tuple[Evaluated, ...]:
    """Returns what each evaluator found, in their order; each runs once.

    Raises:
        DlcvError: there is nothing to evaluate.
    """
    if not len(predictions.labels):
        raise DlcvError("there are no images to evaluate")
    notifier("dlcv_predicted")(predictions=predictions)
    return tuple(
        Evaluated(evaluator, _name(evaluator), evaluator.evaluate(predictions))
        for evaluator in evaluators
    )


def together(found: Sequence[Evaluated]) -> Evaluation:
    """Returns what several evaluators found as one evaluation.

    Where two evaluators give different tables or drawings of one name, the later one's has its
    evaluator's name in front.

    Raises:
        DlcvError: two evaluators give different values for one metric.
    """
    whole = Evaluation({})
    notes: dict[str, None] = {}
    for each in found:
        for name, value in each.evaluation.metrics.items():
            if not _is_same(whole.metrics.get(name, value), value):
                raise DlcvError(
                    f"two evaluators give the metric {name} different values; {each.name} is the "
                    "second of them: remove one"
                )
        whole.metrics.update(each.evaluation.metrics)
        whole.intervals.update(each.evaluation.intervals)
        whole.units.update(each.evaluation.units)
        _add(whole.tables, each.evaluation.tables, each.name)
        _add(whole.drawings, each.evaluation.drawings, each.name)
        notes |= dict.fromkeys(each.evaluation.notes)
    return attrs.evolve(whole, notes=tuple(notes))


def _is_same(one: float, other: float) -> bool:
    """Returns whether values are equal; what is no number is the same as another such."""
    return one == other or (one != one and other != other)


def evaluate(predictions: Predictions, evaluators: Iterable[Evaluator]) -> Evaluation:
    """Returns what all evaluators found, together; raises what its two steps raise."""
    return together(evaluate_each(predictions, evaluators))


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """Returns metrics, their intervals and units, tables and notes as JSON has them."""
    tables = {name: attrs.asdict(table) for name, table in evaluation.tables.items()}
    return {
        "metrics": evaluation.metrics,
        "intervals": evaluation.intervals,
        "units": evaluation.units,
        "tables": tables,
        "notes": list(evaluation.notes),
    }


def _add(whole: dict[str, Any], more: Mapping[str, Any], owner: str) -> None:
    """Adds named values; one whose name is taken by another value gets its owner's name too."""
    for name, value in more.items():
        free, number = name, 1
        while free in whole and whole[free] != value:
            free = f"{owner}_{name}" if number == 1 else f"{owner}_{name}_{number}"
            number += 1
        whole[free] = value


def _name(evaluator: Evaluator) -> str:
    try:
        return registry.registry.descriptor_of(evaluator).name
    except PluginError:
        return type(evaluator).__name__
