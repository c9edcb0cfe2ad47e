"""Several evaluators on the same predictions, and how their figures are kept."""

import json

import numpy as np
import pytest

from dlcv.api import from_json
from dlcv.errors import DlcvError
from dlcv.evaluation.evaluate import as_json, evaluate
from dlcv.interfaces import Curves, Evaluation, Evaluator, Predictions, Table, option, plugin
from dlcv_plugins.evaluators.classification_report import ClassificationReport
from dlcv_plugins.evaluators.rank import Rank


def predictions(samples=4):
    probabilities = np.random.default_rng(0).dirichlet(np.ones(3), samples)[np.newaxis]
    labels = np.arange(samples) % 3
    return Predictions(probabilities, labels, ("a", "b", "c"), tuple(map(str, labels)))


@plugin
class Count(Evaluator):
    """Counts the samples."""

    metric: str = option("samples", help="the metric's name")
    times: int = option(1, help="how often a sample counts")
    table: str | None = option(None, help="the table's name; the metric's if left out")

    def evaluate(self, predictions):
        count = float(len(predictions.labels)) * self.times
        table = Table("Counts", ("what", "count"), ((self.metric, count),))
        curves = Curves("Counts", "x", "y", {self.metric: np.ones((3, 2))})
        name = self.table or self.metric
        return Evaluation({self.metric: count}, {name: table}, {name: curves})


def test_what_all_evaluators_found_comes_together():
    found = evaluate(predictions(), [Count(metric="one"), Rank(), Count(metric="two")])
    assert set(found.metrics) == {"one", "rank1", "largest_class", "two"}
    assert set(found.tables) == set(found.drawings) == {"one", "two"}


def test_one_metric_with_two_values_is_an_error():
    with pytest.raises(DlcvError, match="give the metric samples different values; Count is"):
        evaluate(predictions(), [Count(), Count(times=2)])


def test_one_metric_with_one_value_may_come_twice():
    found = evaluate(predictions(), [Rank(k=2), Rank(k=3)])
    assert set(found.metrics) == {"rank1", "rank2", "rank3", "largest_class"}


@plugin
class Undefined(Evaluator):
    """Has a metric that is no number, as an area under a curve of one class."""

    def evaluate(self, predictions):
        return Evaluation({"area": float("nan")})


def test_a_metric_that_is_no_number_is_no_second_value():
    found = evaluate(predictions(), [Undefined(), Undefined(), Rank()])
    assert np.isnan(found.metrics["area"])
    assert found.metrics["largest_class"] == 0.5


def test_tables_and_drawings_of_one_name_do_not_replace_each_other():
    made = [Count(metric=name, table="counts") for name in ("one", "two", "three")]
    found = evaluate(predictions(), made)
    assert [table.rows for table in found.tables.values()] == [
        ((name, 4.0),) for name in ("one", "two", "three")
    ]
    assert list(found.tables) == ["counts", "Count_counts", "Count_counts_2"]
    assert [[*drawing.lines] for drawing in found.drawings.values()] == [
        ["one"],
        ["two"],
        ["three"],
    ]


def test_the_same_table_is_there_once():
    found = evaluate(predictions(), [ClassificationReport(), ClassificationReport()])
    assert list(found.tables) == ["by_class", "most_confused"]


def test_nothing_to_evaluate_is_an_error():
    with pytest.raises(DlcvError, match="no images to evaluate"):
        evaluate(predictions(samples=0), [Rank()])


def test_figures_and_tables_survive_json():
    found = evaluate(predictions(), [Rank(), ClassificationReport()])
    kept = json.loads(json.dumps(as_json(found)))
    assert kept["metrics"] == found.metrics
    table = kept["tables"]["by_class"]
    assert table["title"] == "By class"
    assert [tuple(row) for row in table["rows"]] == list(found.tables["by_class"].rows)
    units = dict.fromkeys(("rank1", "largest_class", "precision", "recall", "f1"), "%")
    assert from_json(kept) == Evaluation(
        found.metrics, intervals=found.intervals, units=units, notes=found.notes
    )


def test_metrics_of_files_without_units_have_them_by_name():
    metrics = {"rank1": 0.5, "my_accuracy": 0.25, "largest_class": 0.5, "roc_auc": 0.75}
    units = {name: "%" for name in metrics if name != "roc_auc"}
    assert from_json({"metrics": metrics}).units == units
    assert from_json({"metrics": metrics, "units": {}}).units == {}


@pytest.mark.parametrize(
    ("value", "interval", "unit", "expected"),
    [
        (0.98328, (0.964, 0.9924), "%", ("98.33 %", "96.4 to 99.2 %")),
        (0.05, None, "%", ("5.00 %", "")),
        (0.25, (0.2, 0.3), None, ("0.2500", "0.2000 to 0.3000")),
        (-0.5, (-0.75, 0.0), None, ("-0.5000", "-0.7500 to 0.0000")),
    ],
)
def test_the_unit_decides_how_a_metric_is_shown(value, interval, unit, expected):
    found = Evaluation(
        {"accuracy": value},
        intervals={"accuracy": interval} if interval else {},
        units={"accuracy": unit} if unit else {},
    )
    assert found.text("accuracy") == expected
    assert found.rows() == [("accuracy", *expected)]
