"""The confusion matrix and the worst mistakes, against scikit-learn and by hand."""

import numpy as np
import pytest
from made_predictions import predicting, predictions, random_predictions
from sklearn import metrics

from dlcv_plugins.evaluators.confusion import Confusion, confused_pairs
from dlcv_plugins.evaluators.worst_mistakes import WorstMistakes


class TestConfusion:
    def test_a_row_is_a_true_class(self):
        found = Confusion().evaluate(predicting([0, 0, 0, 1], [0, 1, 1, 1], 2))
        assert found.tables["confusion"].columns == ("true \\ predicted", "class0", "class1")
        assert found.tables["confusion"].rows == (("class0", 1, 2), ("class1", 0, 1))
        assert found.drawings["confusion"].values.tolist() == [[1, 2], [0, 1]]
        assert found.drawings["confusion"].row_label == "true"

    @pytest.mark.parametrize("classes", [3, 12, 13, 150])
    def test_it_agrees_with_scikit_learn(self, classes):
        given_ones = random_predictions(400, classes, seed=classes)
        found = Confusion().evaluate(given_ones)
        predicted = given_ones.combined.argmax(axis=1)
        expected = metrics.confusion_matrix(given_ones.labels, predicted, labels=range(classes))
        np.testing.assert_array_equal(found.drawings["confusion"].values, expected)
        assert set(found.tables) == {"confusion" if classes <= 12 else "confused_pairs"}

    def test_the_table_of_many_classes_tells_what_is_confused_most(self):
        labels = [0] * 4 + [1] * 10 + [2] * 5
        predicted = [0, 0, 0, 99] + [1] * 4 + [50] * 6 + [2] * 5
        table = Confusion().evaluate(predicting(labels, predicted, 100)).tables["confused_pairs"]
        assert table.rows == (("class1", "class50", 6, 0.6), ("class0", "class99", 1, 0.25))
        assert Confusion().evaluate(predicting(labels, labels, 100)).tables == {}

    def test_the_table_of_many_classes_is_short(self):
        found = Confusion().evaluate(random_predictions(3000, 200, seed=0))
        assert len(found.tables["confused_pairs"].rows) == 20

    def test_what_is_not_a_number_predicts_no_class(self):
        given_ones = predictions([[0.9, 0.1], [np.nan, np.nan], [0.5, np.nan]], [0, 0, 1])
        found = Confusion().evaluate(given_ones)
        assert found.drawings["confusion"].values.tolist() == [[1, 0], [0, 0]]
        assert found.tables["confusion"].columns[-1] == "none"
        assert found.tables["confusion"].rows == (("class0", 1, 0, 1), ("class1", 0, 0, 1))
        lost = predictions(np.full((5, 30), np.nan), range(5))
        assert Confusion().evaluate(lost).tables == {}

    def test_pairs_are_counted_in_order(self):
        labels, predicted = np.array([0, 0, 1, 1, 2]), np.array([1, 1, 0, 0, -1])
        assert confused_pairs(labels, predicted, 3, 9) == [(0, 1, 2), (1, 0, 2)]
        assert confused_pairs(labels, predicted, 3, 1) == [(0, 1, 2)]


class TestWorstMistakes:
    def test_the_surest_come_first(self):
        rows = [[0.6, 0.4], [0.1, 0.9], [0.7, 0.3], [0.2, 0.8], [np.nan, np.nan]]
        found = WorstMistakes(count=2).evaluate(predictions(rows, [1, 1, 1, 0, 0]))
        table = found.tables["worst_mistakes"]
        assert table.rows == (
            ("3.png", "class0", "class1", pytest.approx(0.8)),
            ("2.png", "class1", "class0", pytest.approx(0.7)),
        )
        assert table.sample_ids == ("3.png", "2.png")
        assert table.title == "Most confident mistakes (2 of 3)"

    def test_without_mistakes_there_is_no_table(self):
        assert WorstMistakes().evaluate(predicting([0, 1], [0, 1], 2)).tables == {}
        assert (
            WorstMistakes().evaluate(predictions(np.full((3, 2), np.nan), [0, 0, 1])).tables == {}
        )

    def test_nine_are_listed(self):
        found = WorstMistakes().evaluate(random_predictions(200, 10, seed=0))
        assert len(found.tables["worst_mistakes"].rows) == 9
