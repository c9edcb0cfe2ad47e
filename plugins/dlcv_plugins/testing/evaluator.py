"""Checks of evaluators.

PYTEST_DONT_REWRITE: what fails is told in whole sentences.
"""

import json
import math
from collections.abc import Iterator

import attrs

from dlcv.errors import DlcvError
from dlcv.interfaces import Evaluation, Evaluator, Matrix, Plugin, Predictions
from dlcv.testing import Check


def checks(cls: type[Plugin]) -> tuple[Check, ...]:
    """Returns the checks for evaluators."""
    return (
        check_predictions_stay_unchanged,
        check_same_predictions_same_figures,
        check_order_of_samples_changes_no_figure,
        check_metrics_are_finite_numbers,
        check_tables_fit_json,
        check_drawings_can_be_drawn,
        check_intervals_hold_their_metrics,
        check_units_fit_their_metrics,
    )


def check_predictions_stay_unchanged(evaluator: Evaluator) -> None:
    """Every evaluator gets the same predictions."""
    import numpy as np

    for predictions, _ in evaluated(evaluator):
        for name, before in attrs.asdict(_example(*predictions.probabilities.shape)).items():
            after = getattr(predictions, name)
            assert np.array_equal(before, after), f"{evaluator} changes the {name} that it is given"


def check_same_predictions_same_figures(evaluator: Evaluator) -> None:
    """An evaluator is a pure function."""
    for predictions, found in evaluated(evaluator):
        again = evaluator.evaluate(predictions)
        assert again == found, f"{evaluator} returns {found.metrics}, then {again.metrics}"


def check_order_of_samples_changes_no_figure(evaluator: Evaluator) -> None:
    """Metrics are of a set of samples; the order in which a store has them must not matter."""
    import numpy as np

    for predictions, found in evaluated(evaluator):
        order = np.random.default_rng(1).permutation(len(predictions.labels))
        ids = tuple(predictions.sample_ids[i] for i in order)
        shuffled = attrs.evolve(
            predictions,
            probabilities=predictions.probabilities[:, order],
            labels=predictions.labels[order],
            sample_ids=ids,
        )
        again = evaluator.evaluate(shuffled).metrics
        for name, value in found.metrics.items():
            assert np.isclose(again.get(name, np.nan), value, rtol=1e-5), (
                f"{name} is {value}, and {again.get(name)} with the samples in another order"
            )


def check_metrics_are_finite_numbers(evaluator: Evaluator) -> None:
    """Metrics are Python numbers by name, as `metrics.json` keeps them."""
    for _, found in evaluated(evaluator):
        for name, value in found.metrics.items():
            assert type(value) in (int, float), (
                f"the metric {name} is a {type(value).__name__}; make it a float"
            )
            assert math.isfinite(value), f"the metric {name} is {value}"


def check_tables_fit_json(evaluator: Evaluator) -> None:
    """Tables are kept as JSON; each row has a value a column."""
    for _, found in evaluated(evaluator):
        for name, table in found.tables.items():
            for row in table.rows:
                assert len(row) == len(table.columns), (
                    f"the table {name} has a row of {len(row)} values for "
                    f"{len(table.columns)} columns: {row}"
                )
            try:
                json.dumps(attrs.asdict(table), allow_nan=False)
            except (TypeError, ValueError) as error:
                raise AssertionError(f"the table {name} does not fit JSON: {error}") from None


def check_drawings_can_be_drawn(evaluator: Evaluator) -> None:
    """What is there to draw are lines of points, or matrices of a row and a column a class."""
    import numpy as np

    for _, found in evaluated(evaluator):
        for name, drawing in found.drawings.items():
            if isinstance(drawing, Matrix):
                shapes = {np.shape(drawing.values): 2 * (len(drawing.names),)}
                arrays = [drawing.values]
            else:
                arrays = list(drawing.lines.values())
                shapes = {np.shape(line): (len(line), 2) for line in arrays}
            for received, expected in shapes.items():
                assert received == expected, (
                    f"the drawing {name} has values of shape {received}, not {expected}"
                )
            numbers = all(np.asarray(values).dtype.kind in "iufb" for values in arrays)
            assert numbers, f"the drawing {name} has values that are no numbers"


def check_intervals_hold_their_metrics(evaluator: Evaluator) -> None:
    """An interval is about a metric, which lies in it."""
    for _, found in evaluated(evaluator):
        for name, (low, high) in found.intervals.items():
            assert name in found.metrics, f"there is an interval of {name}, but no such metric"
            value = found.metrics[name]
            assert low <= value <= high, f"{name} is {value}, outside its interval {low} to {high}"


def check_units_fit_their_metrics(evaluator: Evaluator) -> None:
    """A unit is about a metric; what is shown in percent is a share, or a difference of shares."""
    for _, found in evaluated(evaluator):
        for name, unit in found.units.items():
            assert name in found.metrics, f"there is a unit of {name}, but no such metric"
            value = found.metrics[name]
            assert unit == "%", f'the unit of {name} is "{unit}"; use "%", or none'
            assert -1 <= value <= 1, (
                f"{name} is {value}; what is shown in percent is a share, from 0 to 1"
            )


def evaluated(evaluator: Evaluator) -> Iterator[tuple[Predictions, Evaluation]]:
    """Yields predictions of several shapes with what an evaluator finds.

    It may refuse some with a `DlcvError`, but not all.
    """
    reasons = []
    shapes = [(1, 40, 2), (1, 60, 12), (3, 60, 12), (1, 200, 120)]
    for shape in shapes:
        predictions = _example(*shape)
        try:
            yield predictions, evaluator.evaluate(predictions)
        except DlcvError as error:
            reasons.append(str(error))
    assert len(reasons) < len(shapes), f"{evaluator} refuses all predictions: {reasons[0]}"


def _example(members: int, samples: int, classes: int) -> Predictions:
    """Returns predictions that are better than chance; with many classes, some have no sample."""
    import numpy as np

    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes - classes // 10, samples)
    scores = rng.random((members, samples, classes)) ** 4
    scores[:, np.arange(samples), labels] += 0.5
    probabilities = (scores / scores.sum(axis=2, keepdims=True)).astype(np.float32)
    return Predictions(
        probabilities,
        labels,
        tuple(f"class {i}" for i in range(classes)),
        tuple(f"image {i}" for i in range(samples)),
    )
