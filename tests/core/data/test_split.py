"""Dividing: stratified, seeded, test first, and nothing lost or seen twice."""

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from in_memory import InMemory
from sklearn.model_selection import train_test_split

from dlcv.config import SplitConfig
from dlcv.data.split import divide
from dlcv.errors import DlcvError

PIXEL = np.zeros((1, 1, 3), np.uint8)


def labelled(*counts):
    """As many images of each class, in a mixed order that is always the same."""
    labels = np.repeat(np.arange(len(counts)), counts)
    np.random.default_rng(1).shuffle(labels)
    names = [f"class{i}" for i in range(len(counts))]
    return InMemory([PIXEL] * len(labels), labels, names)


def divided(images, **config):
    return divide({"all": images}, SplitConfig(**config))


def counts(split):
    return np.bincount(split.labels, minlength=len(split.label_names)).tolist()


def test_test_is_taken_first_then_validation_as_scikit_learn_would():
    images = labelled(40, 30, 50)
    parts = divided(images, test=0.25, validation=0.1, seed=42)
    rest, test = train_test_split(
        np.arange(120), test_size=30, stratify=images.labels, random_state=42
    )
    train, val = train_test_split(
        np.sort(rest), test_size=12, stratify=images.labels[np.sort(rest)], random_state=42
    )
    assert parts["test"].indices.tolist() == sorted(test)
    assert parts["val"].indices.tolist() == sorted(val)
    assert parts["train"].indices.tolist() == sorted(train)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"test": 0.2, "validation": 0.1}, {"test": [8, 12], "val": [4, 6], "train": [28, 42]}),
        ({"test": 20, "validation": 10}, {"test": [8, 12], "val": [4, 6], "train": [28, 42]}),
        ({"test": 25, "validation": 0.25}, {"test": [10, 15], "val": [10, 15], "train": [20, 30]}),
    ],
    ids=["shares", "counts", "both"],
)
def test_shares_and_counts_are_of_all_images_and_every_class(config, expected):
    parts = divided(labelled(40, 60), **config)
    assert {name: counts(part) for name, part in parts.items()} == expected


def test_the_same_seed_gives_the_same_parts_and_another_seed_others():
    images = labelled(40, 60)
    first, again, other = (divided(images, seed=seed)["test"].indices for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert first.tolist() != other.tolist()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(3, 60), min_size=2, max_size=6),
    st.floats(0.05, 0.5),
    st.floats(0.05, 0.4),
    st.integers(0, 2**32 - 1),
)
def test_parts_hold_every_image_once_and_every_class(sizes, test, validation, seed):
    images = labelled(*sizes)
    try:
        parts = divided(images, test=test, validation=validation, seed=seed)
    except DlcvError:
        reject()
    together = np.concatenate([part.indices for part in parts.values()])
    assert sorted(together) == list(range(len(images)))
    assert len(parts["test"]) == round(test * len(images))
    assert len(parts["val"]) == round(validation * len(images))
    for name, part in parts.items():
        assert min(counts(part)) >= 1
        # Stratified: no class is off its share by more than the two roundings.
        share = np.array(counts(part)) / len(part) - np.array(counts(images)) / len(images)
        assert np.abs(share * len(part)).max() <= 2, name


def test_parts_read_the_images_they_hold():
    images = InMemory([PIXEL + i for i in range(40)], [i % 2 for i in range(40)])
    for part in divided(images).values():
        pixels = part.read(np.arange(len(part)))
        assert pixels[:, 0, 0, 0].tolist() == part.indices.tolist()
        assert part.labels.tolist() == [i % 2 for i in part.indices]
        assert part.sample_id(0) == f"image-{part.indices[0]}.png"


@pytest.mark.parametrize(
    ("sizes", "config", "message"),
    [
        ((20, 1), {}, 'the class "class1" has 1 images left, too few to give one to test'),
        # Three images of 303 are so few that class1 gets none of them.
        ((300, 3), {"test": 3}, 'the class "class1" has 3 images, too few to give one to test'),
        ((10, 10), {"test": 1}, "test would have 1 of 20 images; with 2 classes it needs at least"),
        ((10, 10), {"test": 19}, "test would have 19 of 20 images"),
        ((10, 10), {"test": 12, "validation": 8}, "val would have 8 of 8 images"),
        ((10, 10), {"test": 2.0}, "share of 2.0 for test is not below 1; write 2 for a number"),
        ((10, 10), {"validation": 25.0}, "share of 25.0 for val is not below 1; write 25"),
    ],
)
def test_what_can_not_be_divided_is_an_error_that_says_why(sizes, config, message):
    with pytest.raises(DlcvError) as caught:
        divided(labelled(*sizes), **config)
    assert message in str(caught.value)


class TestDividedAlready:
    def test_three_splits_are_used_as_they_are(self):
        opened = {name: labelled(5, 6) for name in ("train", "val", "test")}
        assert divide(opened, SplitConfig()) == opened

    def test_a_missing_test_split_stays_missing(self):
        opened = {"train": labelled(5, 6), "val": labelled(2, 2)}
        assert set(divide(opened, SplitConfig())) == {"train", "val"}

    def test_a_missing_validation_split_is_taken_from_train(self):
        train, test = labelled(40, 60), labelled(3, 4)
        parts = divide({"train": train, "test": test}, SplitConfig(validation=0.2))
        assert parts["test"] is test
        assert counts(parts["val"]) == [8, 12]
        assert counts(parts["train"]) == [32, 48]
        together = [*parts["train"].indices, *parts["val"].indices]
        assert sorted(together) == list(range(100))
        assert parts["val"].source is parts["train"].source is train
