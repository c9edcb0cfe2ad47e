"""Checks of classes and splits, on labels alone."""

import numpy as np
import pytest

from dlcv import registry
from dlcv.interfaces import DatasetFacts, LabelledImages
from dlcv_plugins.commands.data.check.figures import classes_of

CHECKS = (
    "unusable_splits", "training_split", "number_of_classes", "differing_classes",
    "empty_classes", "similar_names", "small_classes", "class_balance", "class_shift",
)  # fmt: skip


class Split(LabelledImages):
    """Labels of a split, without images."""

    def __init__(self, **counts):
        self.label_names = tuple(counts)
        self.labels = np.repeat(np.arange(len(counts)), list(counts.values()))

    def read(self, indices):
        raise NotImplementedError

    sample_id = fingerprint = read


def found(unusable=None, checks=CHECKS, **splits):
    facts = DatasetFacts(splits, unusable or {})
    made = registry.create_list("check", checks)
    return [finding for check in made for finding in check.findings(facts)]


def findings(unusable=None, **splits):
    return [(f.id, f.severity) for f in found(unusable, **splits)]


def sentence(**splits):
    (finding,) = found(**splits)
    return finding.sentence


def test_balanced_classes_are_fine():
    assert findings(train=Split(a=50, b=40), test=Split(a=11, b=9)) == []
    assert findings(all=Split(a=30, b=300)) == []


def test_guessing_is_right_for_the_share_of_the_largest_class_of_training():
    splits = {"train": Split(a=30, b=60, c=10), "test": Split(a=900, b=0, c=0)}
    figures = classes_of(DatasetFacts(splits))
    assert (figures.largest, figures.guessing) == ("b", pytest.approx(0.6))
    assert figures.counts == {
        "a": {"train": 30, "test": 900},
        "b": {"train": 60, "test": 0},
        "c": {"train": 10, "test": 0},
    }


def test_a_class_without_images_is_an_error_in_training_only():
    assert findings(train=Split(a=40, b=0, c=40)) == [("empty-class", "error")]
    assert findings(all=Split(a=40, b=0, c=40)) == [("empty-class", "error")]
    several = findings(train=Split(a=40, b=40, c=1000), test=Split(a=1, b=0, c=24))
    assert several == [("empty-class", "warning"), ("imbalance", "warning")]


def test_splits_with_empty_classes_share_a_finding_as_bad_as_the_worst():
    (finding,) = found(train=Split(a=40, b=0), val=Split(a=9, b=0), checks=("empty_classes",))
    assert finding.severity == "error"
    assert finding.sentence == (
        "the split train has no image of b; the split val has no image of b"
    )


def test_classes_that_differ_between_splits_are_named():
    splits = {"train": Split(a=40, b=40), "val": Split(a=9, b=9), "test": Split(a=9, c=9)}
    assert findings(**splits) == [("differing-classes", "error")]
    assert sentence(**splits) == "the splits train and test differ in the classes b, c"


def test_one_class_or_none_is_an_error():
    assert findings(all=Split(a=40)) == [("one-class", "error")]
    assert findings(all=Split()) == [("one-class", "error")]


def test_without_a_split_to_train_on_there_is_nothing_to_learn():
    assert findings(test=Split(a=40, b=40)) == [("no-training-split", "error")]
    unusable = {"train": "it is damaged"}
    assert findings(unusable, test=Split(a=40, b=40)) == [("unusable-split", "error")]


def test_a_class_more_than_ten_times_as_large_as_another_is_reported():
    assert findings(train=Split(a=400, b=40)) == []
    assert sentence(train=Split(a=401, b=40)) == (
        "a has 401 images to train with and b 40; always guessing a would be right for 90.93 %"
    )


def test_few_images_are_reported_by_class():
    assert sentence(train=Split(a=29, b=30, c=5)) == (
        "2 classes have fewer than 30 images to train with: a (29), c (5)"
    )


def test_limits_are_options():
    few = ("small_classes(fewest=6)", "class_balance(ratio=2)", "class_shift(share=0.1)")
    splits = {"train": Split(a=29, b=5), "test": Split(a=15, b=7)}
    assert [f.id for f in found(checks=few, **splits)] == [
        "few-images", "imbalance", "shifted-classes",
    ]  # fmt: skip
    many = ("small_classes(fewest=5)", "class_balance(ratio=6)", "class_shift(share=0.5)")
    assert found(checks=many, **splits) == []


def test_names_that_mean_the_same_are_reported():
    names = {"Cat": 40, "cat ": 40, "dog": 40, "DOG": 40, "cow": 40}
    assert sentence(train=Split(**names)) == (
        "some classes have nearly the same name: Cat and cat , DOG and dog"
    )
    assert findings(train=Split(**{"+": 40, "-": 40})) == []


def test_other_shares_in_another_split_are_reported():
    """Of 50 test images, 35 are of a; half of them, 25, were expected: 10 are too many."""
    assert findings(train=Split(a=50, b=50), test=Split(a=35, b=15)) == []
    reported = sentence(train=Split(a=50, b=50), test=Split(a=36, b=14))
    assert "other shares in test than in training: 22 % of its images" in reported
