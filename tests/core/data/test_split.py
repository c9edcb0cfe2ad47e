"""Dividing: stratified, seeded, test first, and nothing lost or seen twice."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from in_memory import InMemory
from sklearn.model_selection import train_test_split

from dlcv.config import SplitConfig
from dlcv.data.split import PARTS, divide, give_way, settle
from dlcv.errors import DlcvError
from dlcv_plugins.stores.folder import Folder

PIXEL = np.zeros((1, 1, 3), np.uint8)


def labelled(*counts):
    """As many images of each class, in a mixed order that is always the same."""
    labels = np.repeat(np.arange(len(counts)), counts)
    np.random.default_rng(1).shuffle(labels)
    names = [f"class{i}" for i in range(len(counts))]
    return InMemory([PIXEL] * len(labels), labels, names)


def divided(images, groups=None, **config):
    return divide_opened({"all": images}, groups, **config)


def divide_opened(opened, groups=None, **config):
    return divide(opened, settle(SplitConfig(**config), opened), groups)


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
    st.none() | st.floats(0.05, 0.3),
    st.integers(0, 2**32 - 1),
)
def test_parts_hold_every_image_once_and_every_class(sizes, test, validation, aside, seed):
    images = labelled(*sizes)
    shares = {"test": test, "validation": validation, "train_validation": aside}
    try:
        parts = divided(images, **shares, seed=seed)
    except DlcvError:
        reject()
    together = np.concatenate([part.indices for part in parts.values()])
    assert sorted(together) == list(range(len(images)))
    for name, option in PARTS.items():
        assert len(parts.get(name, ())) == round((shares[option] or 0) * len(images))
    for name, part in parts.items():
        assert min(counts(part)) >= 1
        # Stratified: no class is off its share by more than the two roundings.
        share = np.array(counts(part)) / len(part) - np.array(counts(images)) / len(images)
        assert np.abs(share * len(part)).max() <= 2, name


@pytest.mark.parametrize("count", [10, 11, 99, 1000])
@pytest.mark.parametrize("share", [0.1, 0.2, 0.25, 1 / 3])
def test_the_last_share_is_that_of_keras(count, share):
    from keras.src.trainers.data_adapters.array_slicing import train_validation_split

    images = InMemory([PIXEL] * count, [i % 2 for i in range(count)])
    parts = divided(images, test=0, validation=share, method="last")
    expected = train_validation_split(np.arange(count), share)
    assert [parts[name].indices.tolist() for name in ("train", "val")] == [
        rows.tolist() for rows in expected
    ]


def test_the_last_images_test_and_those_before_them_validate():
    images = InMemory([PIXEL] * 20, [i % 2 for i in range(20)])
    parts = divided(images, test=0.2, validation=3, method="last")
    stops = {name: (part.indices[0], part.indices[-1]) for name, part in parts.items()}
    assert stops == {"test": (16, 19), "val": (13, 15), "train": (0, 12)}


def test_the_last_images_of_data_in_the_order_of_its_classes_are_refused():
    ordered = InMemory([PIXEL] * 50, [i // 40 for i in range(50)], ["class0", "class1"])
    with pytest.raises(DlcvError, match=r"leaves no image of class1 to train with; .* order of"):
        divided(ordered, test=0, validation=0.2, method="last")
    config = SplitConfig(test=0, validation=0.2, method="last")
    pairs = InMemory([PIXEL] * 10, [i % 2 for i in range(10)])
    with pytest.raises(DlcvError, match="keeps no groups of images together"):
        divide({"all": pairs}, config, np.arange(10) // 2)
    assert give_way(config, ("all",), ("test", "validation")).method == "stratified"


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
        (
            (20, 1),
            {},
            "too few images to be divided: class1 (1 image); add images, or pass --small-classes "
            "skip to leave such classes out, or --small-classes train to use them for training",
        ),
        # Three images of 303 are so few that class1 gets none of them.
        ((300, 3), {"test": 3}, "too few images to be divided: class1 (3 images)"),
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


class TestSmallClasses:
    """`class1` has one image, and `class3` two, which are too few for three parts."""

    SIZES = (40, 1, 60, 2)

    def test_they_are_kept_in_training_alone(self, caplog):
        images = labelled(*self.SIZES)
        parts = divided(images, test=0.2, validation=0.1, small_classes="train")
        # The shares are of the images that are divided.
        assert {name: counts(part) for name, part in parts.items()} == {
            "test": [8, 0, 12, 0],
            "val": [4, 0, 6, 0],
            "train": [28, 1, 42, 2],
        }
        together = np.concatenate([part.indices for part in parts.values()])
        assert sorted(together) == list(range(len(images)))
        lines = [r.getMessage() for r in caplog.records if "alone" in r.getMessage()]
        assert lines == [
            "used for training alone, with too few images to be divided: class1 (1 image), "
            "class3 (2 images)"
        ]

    def test_they_are_left_out_of_every_split(self, caplog):
        images = labelled(*self.SIZES)
        opened = {"train": images, "test": labelled(3, 4, 5, 6)}
        parts = divide_opened(opened, validation=0.1, small_classes="skip")
        assert {name: counts(part) for name, part in parts.items()} == {
            "test": [3, 5],
            "val": [4, 6],
            "train": [36, 54],
        }
        for part in parts.values():
            assert part.label_names == ("class0", "class2")
        train = parts["train"]
        chosen = [train.source.indices[i] for i in train.indices]
        assert [images.labels[i] // 2 for i in chosen] == train.labels.tolist()
        assert (
            "left out, for having too few images: class1 (5 images), class3 (8 images)"
            in caplog.text
        )

    @pytest.mark.parametrize(
        ("sizes", "way", "message"),
        [
            ((1, 1), "train", "no class has enough images to be divided"),
            ((9, 1), "skip", "class1 \\(1 image\\), less than two are left"),
        ],
    )
    def test_there_may_be_too_little_left(self, sizes, way, message):
        with pytest.raises(DlcvError, match=message):
            divided(labelled(*sizes), small_classes=way)


class TestDividedAlready:
    def test_three_splits_are_used_as_they_are(self):
        opened = {name: labelled(5, 6) for name in ("train", "val", "test")}
        assert divide_opened(opened) == opened

    def test_a_missing_test_split_stays_missing(self):
        opened = {"train": labelled(5, 6), "val": labelled(2, 2)}
        assert divide_opened(opened) == opened

    def test_a_test_split_is_taken_from_train_if_it_is_asked_for(self):
        train, val = labelled(40, 60), labelled(3, 4)
        parts = divide_opened({"train": train, "val": val}, test=0.2)
        assert parts["val"] is val
        assert {name: counts(part) for name, part in parts.items()} == {
            "train": [32, 48],
            "val": [3, 4],
            "test": [8, 12],
        }
        assert parts["test"].source is parts["train"].source is train

    def test_a_missing_validation_split_is_taken_from_train(self):
        train, test = labelled(40, 60), labelled(3, 4)
        parts = divide_opened({"train": train, "test": test}, validation=0.2)
        assert parts["test"] is test
        assert counts(parts["val"]) == [8, 12]
        assert counts(parts["train"]) == [32, 48]
        together = [*parts["train"].indices, *parts["val"].indices]
        assert sorted(together) == list(range(100))
        assert parts["val"].source is parts["train"].source is train

    @pytest.mark.parametrize(
        ("splits", "asked", "option"),
        [
            (("train", "val", "test"), {"test": 0.3}, "test = 0.3"),
            (("train", "test"), {"test": 0}, "test = 0"),
            (("train", "val"), {"validation": 40}, "validation = 40"),
            (("train", "train_val"), {"train_validation": 0.1}, "train_validation = 0.1"),
        ],
    )
    def test_asking_for_a_part_that_is_there_is_refused(self, splits, asked, option):
        (split,) = (s for s, o in PARTS.items() if o in asked)
        with pytest.raises(DlcvError) as caught:
            settle(SplitConfig(**asked), splits)
        assert str(caught.value).startswith(f"the data has a {split} part of its own, so {option}")

    def test_the_test_images_may_validate_too(self):
        train, test = labelled(40, 60), labelled(3, 4)
        parts = divide_opened({"train": train, "test": test}, validation="test")
        assert parts == {"train": train, "val": test, "test": test}


def test_validating_with_test_images_of_undivided_data_takes_them_first():
    parts = divided(labelled(40, 60), validation="test", test=0.3)
    assert counts(parts["train"]) == [28, 42]
    assert parts["val"] is parts["test"]


def test_validating_with_test_images_needs_some():
    with pytest.raises(DlcvError, match="validation = test needs test images"):
        divided(labelled(40, 60), validation="test", test=0)


@pytest.mark.parametrize(
    ("splits", "asked", "expected"),
    [
        (("all",), {}, (0.2, 0.1, None)),
        (("train",), {}, (0.2, 0.1, None)),
        (("train", "train_val"), {}, (0.2, 0.1, None)),
        (("all",), {"test": 0, "validation": 0.25}, (0, 0.25, None)),
        (("all",), {"train_validation": 7}, (0.2, 0.1, 7)),
        (("train", "test"), {}, (None, 0.1, None)),
        (("train", "val"), {}, (None, None, None)),
        (("train", "val"), {"test": 500}, (500, None, None)),
        (("train", "val", "test"), {"train_validation": 0.1}, (None, None, 0.1)),
        (("train", "test"), {"validation": "test"}, (None, "test", None)),
        (("all",), {"validation": "test"}, (0.2, "test", None)),
    ],
)
def test_what_is_left_out_is_settled_by_the_splits_that_there_are(splits, asked, expected):
    settled = settle(SplitConfig(**asked, seed=5), splits)
    assert (settled.test, settled.validation, settled.train_validation) == expected
    assert settled.seed == 5
    # What a run writes down, it reads again to the same.
    assert settle(settled, splits) == settled


@pytest.mark.parametrize(
    ("splits", "options", "expected"),
    [
        (("train", "test"), ("test", "validation"), (None, 0.2)),
        (("train", "val", "test"), ("test", "validation"), (None, None)),
        (("train", "val", "test"), ("validation",), (0.1, None)),
        (("all",), ("test", "validation"), (0.1, 0.2)),
    ],
)
def test_a_division_for_other_data_gives_way_to_parts_that_are_there(splits, options, expected):
    found = give_way(SplitConfig(test=0.1, validation=0.2, seed=3), splits, options)
    assert (found.test, found.validation, found.seed) == (*expected, 3)


def test_train_validation_is_taken_from_what_test_and_validation_leave():
    images = labelled(40, 60)
    three = divided(images, test=0.2, validation=0.1)
    four = divided(images, test=0.2, validation=0.1, train_validation=0.1)
    assert {name: counts(part) for name, part in four.items()} == {
        "train": [24, 36],
        "train_val": [4, 6],
        "val": [4, 6],
        "test": [8, 12],
    }
    for name in ("val", "test"):
        np.testing.assert_array_equal(four[name].indices, three[name].indices)
    together = np.sort(np.concatenate([four[n].indices for n in ("train", "train_val")]))
    np.testing.assert_array_equal(together, three["train"].indices)


class TestKnownSchemes:
    """Data sets of books and courses, by their labels alone."""

    def test_dogs_vs_cats_has_1250_of_each_to_test_and_to_validate(self):
        parts = divided(labelled(12_500, 12_500), test=2500, validation=2500)
        assert {name: counts(part) for name, part in parts.items()} == {
            "train": [10_000, 10_000],
            "val": [1250, 1250],
            "test": [1250, 1250],
        }

    def test_flowers_17_is_divided_75_to_25_without_a_test_part(self):
        parts = divided(labelled(*[80] * 17), test=0, validation=0.25)
        assert {name: (len(part), set(counts(part))) for name, part in parts.items()} == {
            "train": (1020, {60}),
            "val": (340, {20}),
        }

    def test_tiny_imagenet_gives_50_of_each_training_class_to_the_test(self):
        opened = {"train": labelled(*[500] * 200), "val": labelled(*[50] * 200)}
        parts = divide_opened(opened, test=10_000)
        assert {name: (len(part), set(counts(part))) for name, part in parts.items()} == {
            "train": (90_000, {450}),
            "val": (10_000, {50}),
            "test": (10_000, {50}),
        }

    def test_the_four_way_scheme_keeps_60_percent_to_train_and_a_part_of_it_aside(self):
        parts = divided(labelled(500, 500), test=0.2, validation=0.2, train_validation=0.05)
        assert {name: counts(part) for name, part in parts.items()} == {
            "train": [275, 275],
            "train_val": [25, 25],
            "val": [100, 100],
            "test": [100, 100],
        }


def test_a_folders_parts_do_not_depend_on_the_order_in_which_its_files_were_made(tmp_path):
    rng = np.random.default_rng(0)
    names = [f"{label}/{number:02d}.png" for label in "ab" for number in range(30)]
    found = []
    for root in (tmp_path / "first", tmp_path / "second"):
        for name in rng.permutation(names):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).touch()
        parts = divided(Folder(path=root).open("all"), test=0.2, validation=0.2)
        found.append(
            {
                split: [str(Path(part.sample_id(i)).relative_to(root)) for i in range(len(part))]
                for split, part in parts.items()
            }
        )
    assert found[0] == found[1]
    assert {split: len(paths) for split, paths in found[0].items()} == {
        "train": 36,
        "val": 12,
        "test": 12,
    }


class TestGroups:
    @settings(deadline=None, max_examples=60)
    @given(
        sizes=st.lists(st.integers(20, 60), min_size=2, max_size=5),
        kinds=st.integers(2, 200),
        crosses=st.booleans(),
        test=st.sampled_from([0.1, 0.2, 0.3, 0.45]),
        seed=st.integers(0, 99),
    )
    def test_no_group_is_on_two_sides_and_classes_are_near_their_shares(
        self, sizes, kinds, crosses, test, seed
    ):
        images = labelled(*sizes)
        rng = np.random.default_rng(seed)
        groups = rng.integers(0, 10 * kinds, len(images))
        if not crosses:
            groups = groups * len(sizes) + images.labels
        try:
            parts = divided(images, groups, test=test, validation=0.1, seed=seed)
        except DlcvError as error:
            assert "groups" in str(error)  # noqa: PT017
            assert min(len(set(groups[images.labels == n])) for n in range(len(sizes))) < 6
            return
        taken = [groups[part.indices] for part in parts.values()]
        assert sum(len(set(ids)) for ids in taken) == len(set(groups))
        assert sorted(np.concatenate([p.indices for p in parts.values()])) == [*range(len(images))]
        _, of_group = np.unique(groups, return_counts=True)
        for name, share in (("test", test), ("val", 0.1)):
            assert all(counts(parts[name]))
            off = np.abs(np.array(counts(parts[name])) - share * np.array(sizes))
            # A class is off by half of a group, or by one image of each group that holds others.
            assert off.max() <= of_group.max() + (len(sizes) if crosses else 1)

    def test_pairs_come_to_the_shares_exactly_where_most_images_are_single(self):
        images = labelled(100, 200, 300)
        groups = np.arange(600)
        groups[:60] //= 2
        for seed in range(5):
            parts = divided(images, groups, test=0.2, validation=0.1, seed=seed)
            assert counts(parts["test"]) == [20, 40, 60]
            assert counts(parts["val"]) == [10, 20, 30]

    def test_large_groups_are_as_often_taken_as_small_ones(self):
        """A test part of the large groups alone would be unlike the training images."""
        images = labelled(600, 600)
        sizes = [1, 2, 3, 5, 8] * 64
        groups = np.repeat(np.arange(len(sizes)), sizes)[:1200]
        taken = np.zeros(len(sizes))
        for seed in range(40):
            parts = divided(images, groups, test=0.25, seed=seed)
            taken[np.unique(groups[parts["test"].indices])] += 1
        shares = {size: (taken[np.array(sizes) == size][:60] / 40).mean() for size in (2, 3, 5, 8)}
        assert all(0.15 < share < 0.35 for share in shares.values()), shares

    def test_groups_of_one_image_change_nothing(self):
        images = labelled(40, 30, 50)
        plain = divided(images, test=0.25, seed=3)
        alone = divided(images, np.random.default_rng(0).permutation(120), test=0.25, seed=3)
        for name, part in plain.items():
            assert alone[name].indices.tolist() == part.indices.tolist()

    def test_the_same_seed_gives_the_same_parts_and_another_seed_others(self):
        images, groups = labelled(50, 50), np.arange(100) // 3
        same = [divided(images, groups, seed=seed)["test"].indices.tolist() for seed in (1, 1, 2)]
        assert same[0] == same[1] != same[2]

    def test_few_large_groups_are_divided_as_well_as_they_can_be(self, caplog):
        images = InMemory([PIXEL] * 90, np.repeat([0, 1], 45), ["a", "b"])
        parts = divided(images, np.arange(90) // 15, test=0.2, validation=0.2)
        assert {name: counts(part) for name, part in parts.items()} == {
            name: [15, 15] for name in ("test", "val", "train")
        }
        assert "test has 30 images instead of 18, for groups of images stay together" in caplog.text

    def test_a_class_of_too_few_groups_is_an_error_that_counts_them(self):
        images, groups = labelled(40, 40), np.arange(80)
        groups[images.labels == 1] = 99
        with pytest.raises(
            DlcvError, match=r"too few groups of images to be divided: class1 \(40 images\)"
        ):
            divided(images, groups, test=0.2)

    def test_groups_of_other_data_than_the_runs_are_refused(self):
        with pytest.raises(DlcvError, match="kept groups of 79 images, and the data has 80 now"):
            divided(labelled(40, 40), np.arange(79))
