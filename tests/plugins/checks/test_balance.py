"""Classes and splits: what is wrong with them, and what guessing would score."""

from types import SimpleNamespace

import numpy as np
import pytest

from dlcv_plugins.checks.balance import balance_findings, balance_of
from dlcv_plugins.checks.collect import Collected


class Split(SimpleNamespace):
    """Labels of a split, without images."""

    def __init__(self, **counts):
        numbers = list(counts.values())
        super().__init__(
            label_names=tuple(counts), labels=np.repeat(np.arange(len(numbers)), numbers)
        )

    def __len__(self):
        return len(self.labels)


def collected(refused=None, **splits):
    return Collected(None, splits, refused or {}, [])


def findings(refused=None, **splits):
    return [(f.id, f.severity) for f in balance_findings(collected(refused, **splits))]


def sentence(**splits):
    (finding,) = balance_findings(collected(**splits))
    return finding.sentence


def test_balanced_classes_are_fine():
    assert findings(train=Split(a=50, b=40), test=Split(a=11, b=9)) == []
    assert findings(all=Split(a=30, b=300)) == []


def test_guessing_is_right_for_the_share_of_the_largest_class_of_training():
    found = balance_of(collected(train=Split(a=30, b=60, c=10), test=Split(a=900, b=0, c=0)))
    assert (found.largest, found.guessing) == ("b", pytest.approx(0.6))
    assert found.counts == {
        "a": {"train": 30, "test": 900},
        "b": {"train": 60, "test": 0},
        "c": {"train": 10, "test": 0},
    }


def test_a_class_without_images_is_an_error_in_training_only():
    assert findings(train=Split(a=40, b=0, c=40)) == [("empty-class", "error")]
    assert findings(all=Split(a=40, b=0, c=40)) == [("empty-class", "error")]
    found = findings(train=Split(a=40, b=40, c=1000), test=Split(a=1, b=0, c=24))
    assert found == [("empty-class", "warning"), ("imbalance", "warning")]


def test_classes_that_differ_between_splits_are_named():
    splits = {"train": Split(a=40, b=40), "val": Split(a=9, b=9), "test": Split(a=9, c=9)}
    assert findings(**splits) == [("differing-classes", "error")]
    assert sentence(**splits) == "the splits train and test differ in the classes b, c"


def test_one_class_or_none_is_an_error():
    assert findings(all=Split(a=40)) == [("one-class", "error")]
    assert findings(all=Split()) == [("one-class", "error")]


def test_without_a_split_to_train_on_there_is_nothing_to_learn():
    assert findings(test=Split(a=40, b=40)) == [("no-training-split", "error")]
    refused = {"train": "it is damaged"}
    assert findings(refused, test=Split(a=40, b=40)) == [("unusable-split", "error")]


def test_a_class_ten_times_as_large_as_another_is_told():
    assert findings(train=Split(a=400, b=40)) == []
    told = sentence(train=Split(a=401, b=40))
    assert told == (
        "a has 401 images to train with and b 40; always guessing a would be right for 90.93 %"
    )


def test_few_images_are_told_by_class():
    told = sentence(train=Split(a=29, b=30, c=5))
    assert told == "2 classes have fewer than 30 images to train with: a (29), c (5)"


def test_names_that_mean_the_same_are_told():
    told = sentence(train=Split(**{"Cat": 40, "cat ": 40, "dog": 40, "DOG": 40, "cow": 40}))
    assert told == "classes whose names are nearly the same: Cat and cat , DOG and dog"
    assert findings(train=Split(**{"+": 40, "-": 40})) == []


def test_other_shares_in_another_split_are_told():
    """Of 50 test images, 35 are of a; half of them, 25, were expected: 10 are too many."""
    assert findings(train=Split(a=50, b=50), test=Split(a=35, b=15)) == []
    told = sentence(train=Split(a=50, b=50), test=Split(a=36, b=14))
    assert "other shares in test than in training: 22 % of its images" in told
