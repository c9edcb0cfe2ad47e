"""Several evaluators on the same predictions, and how their figures are kept."""

import json

import numpy as np
import pytest

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

    def evaluate(self, predictions):
        count = float(len(predictions.labels))
        table = Table("Counts", ("what", "count"), ((self.metric, count),))
        curves = Curves("Counts", "x", "y", {self.metric: np.ones((3, 2))})
        return Evaluation({self.metric: count}, {self.metric: table}, {self.metric: curves})


def test_what_all_evaluators_found_comes_together():
    found = evaluate(predictions(), [Count(metric="one"), Rank(), Count(metric="two")])
    assert set(found.metrics) == {"one", "rank1", "largest_class", "two"}
    assert set(found.tables) == set(found.drawings) == {"one", "two"}


def test_two_evaluators_of_one_metric_are_an_error():
    with pytest.raises(DlcvError, match="two evaluators give the metric samples"):
        evaluate(predictions(), [Count(), Count()])


def test_rank_1_may_be_told_twice():
    found = evaluate(predictions(), [Rank(k=2), Rank(k=3)])
    assert set(found.metrics) == {"rank1", "rank2", "rank3", "largest_class"}


def test_nothing_to_evaluate_is_an_error():
    with pytest.raises(DlcvError, match="no images to evaluate with"):
        evaluate(predictions(samples=0), [Rank()])


def test_figures_and_tables_survive_json():
    found = evaluate(predictions(), [Rank(), ClassificationReport()])
    kept = json.loads(json.dumps(as_json(found)))
    assert kept["metrics"] == found.metrics
    table = kept["tables"]["by_class"]
    assert table["title"] == "By class"
    assert [tuple(row) for row in table["rows"]] == list(found.tables["by_class"].rows)
