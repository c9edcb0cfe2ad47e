"""Evaluators, against scikit-learn and against predictions counted by hand."""

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_predictions import predicting, predictions, random_predictions
from sklearn import metrics
from sklearn.dummy import DummyClassifier

from dlcv.errors import DlcvError
from dlcv_plugins.evaluators.answers import true_class_ranks
from dlcv_plugins.evaluators.classification_report import ClassificationReport
from dlcv_plugins.evaluators.rank import Rank


class TestRank:
    @settings(max_examples=80, deadline=None)
    @given(st.integers(1, 60), st.integers(3, 12), st.data())
    def test_it_agrees_with_scikit_learn(self, samples, classes, data):
        k = data.draw(st.integers(1, classes - 1))
        given_ones = random_predictions(samples, classes, data.draw(st.integers(0, 10**6)))
        found = Rank(k=k).evaluate(given_ones).metrics
        for rank in {1, k}:
            expected = metrics.top_k_accuracy_score(
                given_ones.labels, given_ones.combined, k=rank, labels=range(classes)
            )
            assert found.pop(f"rank{rank}") == pytest.approx(expected)
        always = DummyClassifier(strategy="most_frequent")
        labels = given_ones.labels
        guessed = always.fit(labels[:, None], labels).score(labels[:, None], labels)
        assert found == {"largest_class": pytest.approx(guessed)}

    def test_ranks_are_counted_from_one(self):
        probabilities = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.2, 0.7, 0.1]])
        assert true_class_ranks(probabilities, np.array([0, 1, 2])).tolist() == [1, 2, 3]

    def test_ties_give_no_credit(self):
        # As probable as another class, as all others, as nothing.
        given_ones = predictions([[0.4, 0.4, 0.2], [1 / 3] * 3, [0.6, 0.2, 0.2]], [0, 1, 0])
        found = Rank(k=2).evaluate(given_ones).metrics
        assert found == pytest.approx({"rank1": 1 / 3, "rank2": 2 / 3, "largest_class": 2 / 3})

    def test_a_network_that_diverged_gets_no_credit(self):
        given_ones = predictions(np.full((4, 10), np.nan), [0, 1, 2, 3])
        found = Rank().evaluate(given_ones)
        assert found.metrics == {"rank1": 0, "rank5": 0, "largest_class": 0.25}
        assert found.intervals["rank1"][0] == 0

    @pytest.mark.parametrize(
        ("classes", "k", "expected"),
        [
            (2, None, {"rank1"}),
            (5, None, {"rank1"}),
            (6, None, {"rank1", "rank5"}),
            (10, 1, {"rank1"}),
            (10, 3, {"rank1", "rank3"}),
            (4, 4, {"rank1", "rank4"}),
        ],
    )
    def test_rank_5_is_told_where_it_means_something(self, classes, k, expected):
        given_ones = random_predictions(20, classes, seed=1)
        found = Rank(k=k).evaluate(given_ones)
        assert set(found.metrics) == expected | {"largest_class"}
        assert set(found.intervals) == expected

    def test_among_all_classes_is_always_right(self):
        assert Rank(k=4).evaluate(random_predictions(30, 4, seed=2)).metrics["rank4"] == 1

    def test_more_ranks_than_classes_are_an_error(self):
        with pytest.raises(DlcvError, match=r"k is 5, .* only 4 .*; choose 4 at most"):
            Rank(k=5).evaluate(random_predictions(3, 4, seed=0))

    def test_members_count_by_their_mean(self):
        # Each member alone is right once; their mean is right twice.
        members = [[[0.9, 0.1], [0.55, 0.45]], [[0.45, 0.55], [0.1, 0.9]]]
        assert Rank().evaluate(predictions(members, [0, 1])).metrics["rank1"] == 1
        for member in members:
            assert Rank().evaluate(predictions(member, [0, 1])).metrics["rank1"] == 0.5

    def test_figures_are_plain_numbers(self):
        assert type(Rank().evaluate(random_predictions(7, 3, 0)).metrics["rank1"]) is float

    def test_copies_of_training_images_are_left_out_of_a_second_accuracy(self):
        four = predicting([0, 1, 1, 0], [0, 1, 0, 1], classes=2)
        copied = attrs.evolve(four, has_copy=np.array([True, False, False, False]))
        found = Rank().evaluate(copied)
        assert found.metrics["rank1"] == 0.5
        assert found.metrics["copies_in_training"] == 0.25
        assert found.metrics["accuracy_without_copies"] == 1 / 3
        assert found.notes[0] == (
            "1 of the 4 images have a copy among the training images; without them, rank-1 is "
            "33.33 %"
        )
        for mask in (None, np.zeros(4, bool)):
            plain = Rank().evaluate(attrs.evolve(four, has_copy=mask))
            assert "accuracy_without_copies" not in plain.metrics
        alone = Rank().evaluate(attrs.evolve(four, has_copy=np.ones(4, bool)))
        assert alone.metrics["copies_in_training"] == 1
        assert "accuracy_without_copies" not in alone.metrics


class TestClassificationReport:
    @settings(max_examples=60, deadline=None)
    @given(st.integers(1, 50), st.integers(2, 6), st.integers(0, 10**6))
    def test_it_agrees_with_scikit_learn(self, samples, classes, seed):
        given_ones = random_predictions(samples, classes, seed)
        found = ClassificationReport().evaluate(given_ones)

        def report(**options):
            predicted = given_ones.combined.argmax(axis=1)
            return metrics.classification_report(
                given_ones.labels, predicted, output_dict=True, zero_division=0, **options
            )

        expected = report(labels=range(classes), target_names=given_ones.label_names)
        expected["macro avg"] = report()["macro avg"]  # of the classes that are present
        keys = ("precision", "recall", "f1-score", "support")
        for name, *values in found.tables["by_class"].rows:
            row = expected["macro avg" if name == "mean" else name]
            assert values == pytest.approx([row[key] for key in keys])
        names = [row[0] for row in found.tables["by_class"].rows]
        assert names == [*given_ones.label_names, "mean"]
        means = {"precision": "precision", "recall": "recall", "f1": "f1-score"}
        assert found.metrics == pytest.approx(
            {ours: expected["macro avg"][theirs] for ours, theirs in means.items()}
        )

    def test_by_hand(self):
        # class0: 2 of 3 found, 1 taken wrongly for it; class1: 1 of 2 found, 1 taken wrongly.
        found = ClassificationReport().evaluate(predicting([0, 0, 0, 1, 1], [0, 0, 1, 1, 0], 2))
        assert found.tables["by_class"].rows == (
            ("class0", pytest.approx(2 / 3), pytest.approx(2 / 3), pytest.approx(2 / 3), 3),
            ("class1", 0.5, 0.5, 0.5, 2),
            ("mean", pytest.approx(7 / 12), pytest.approx(7 / 12), pytest.approx(7 / 12), 5),
        )

    def test_a_class_that_is_never_predicted_has_precision_0_without_a_warning(self, recwarn):
        found = ClassificationReport().evaluate(predicting([0, 1, 2], [0, 1, 1], 3))
        assert found.tables["by_class"].rows[2] == ("class2", 0, 0, 0, 1)
        assert list(recwarn) == []

    def test_means_are_over_the_classes_that_are_present(self):
        # class2 is in the data set, but neither true here nor predicted; class3 is only predicted.
        found = ClassificationReport().evaluate(predicting([0, 0, 1, 1], [0, 0, 1, 3], 4))
        assert found.metrics == pytest.approx(
            {"precision": 2 / 3, "recall": 1.5 / 3, "f1": (1 + 2 / 3) / 3}
        )
        assert found.tables["by_class"].rows[2] == ("class2", 0, 0, 0, 0)

    @pytest.mark.parametrize("lost", [np.nan, [0.5, np.nan]])
    def test_a_network_that_diverged_gets_no_credit(self, lost):
        probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.9, 0.1]])
        probabilities[2] = lost
        found = ClassificationReport().evaluate(predictions(probabilities, [0, 1, 0]))
        assert found.tables["by_class"].rows[0] == ("class0", 1, 0.5, pytest.approx(2 / 3), 2)
        assert "most_confused" not in found.tables

        all_lost = predictions(np.full((3, 2), np.nan), [0, 0, 1])
        assert ClassificationReport().evaluate(all_lost).metrics == {
            "precision": 0, "recall": 0, "f1": 0,
        }  # fmt: skip

    def test_the_most_confused_pairs_are_told_most_first(self):
        labels = np.repeat([0, 1, 2], 5)
        predicted = [[0, 0, 1, 1, 2], [1, 1, 0, 0, 0], [2, 2, 2, 1, 2]]
        table = ClassificationReport().evaluate(predicting(labels, np.ravel(predicted), 3)).tables
        assert table["most_confused"].columns == ("true", "predicted", "samples")
        assert table["most_confused"].rows == (
            ("class1", "class0", 3),
            ("class0", "class1", 2),
            ("class0", "class2", 1),  # before class2 for class1, which comes later in the list
        )

    def test_pairs_that_are_never_confused_are_left_out(self):
        one = ClassificationReport().evaluate(predicting([0, 0, 1], [0, 1, 1], 2)).tables
        assert one["most_confused"].rows == (("class0", "class1", 1),)
        none = ClassificationReport().evaluate(predicting([0, 1], [0, 1], 2)).tables
        assert "most_confused" not in none
