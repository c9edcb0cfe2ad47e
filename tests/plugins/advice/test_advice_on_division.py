"""Advice on a division: at least 20 training and 15 validation images a class."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_memory import InMemory

import dlcv
from dlcv.config import SplitConfig
from dlcv.data.split import divide, settle
from dlcv_plugins.advice.division import advised_shares, validation_share

PIXEL = np.zeros((1, 1, 3), np.uint8)


def labelled(*counts):
    labels = np.repeat(np.arange(len(counts)), counts)
    return InMemory([PIXEL] * len(labels), labels, [f"class{i}" for i in range(len(counts))])


def divide_opened(opened, **config):
    return divide(opened, settle(SplitConfig(**config), opened))


def divided(images, **config):
    return divide_opened({"all": images}, **config)


@pytest.mark.parametrize(
    ("images", "taken", "expected"),
    [
        (40, 0, 0.4),
        (38, 0, 0.4),
        (37, 0, None),
        (34, 0, None),
        (43, 0, 0.35),
        (60, 0, 0.25),
        (80, 0, 0.2),
        (149, 0, 0.15),
        (150, 0, 0.1),
        (1000, 0, 0.1),
        (40, 4, 0.4),
        (40, 5, None),
        (100, 65, 0.15),
        (100, 66, None),
        (0, 0, None),
    ],
)
def test_the_share_is_0_4_at_about_40_images_down_to_0_1_at_hundreds(images, taken, expected):
    assert validation_share(images, taken) == expected


@pytest.mark.parametrize(
    ("images", "takes_test", "expected"),
    [
        (40, False, (0.4, 0.0)),
        (40, True, (0.4, 0.1)),
        (43, True, (0.35, 0.1)),
        (44, True, (0.35, 0.2)),
        (38, True, None),
    ],
)
def test_the_test_share_is_smaller_where_a_class_is_small(images, takes_test, expected):
    assert advised_shares(images, takes_test=takes_test) == expected


@given(st.integers(0, 2000), st.integers(0, 500))
def test_the_share_leaves_enough_of_both_or_there_is_none(images, taken):
    # In twentieths, so that nothing is rounded.
    enough = [
        k for k in range(2, 9) if images * k // 20 >= 15 and images - taken - images * k // 20 >= 20
    ]
    assert validation_share(images, taken) == (enough[0] / 20 if enough else None)


@pytest.mark.parametrize(
    ("sizes", "config", "message"),
    [
        (
            (300, 80),
            {"test": 0.2, "validation": 0.05},
            '"class1" has 60 training and 4 validation images; at least 20 and 15 a class are '
            "advised: a validation share of 0.2 and a test share of 0.2 gives it about 16 to "
            "validate with",
        ),
        (
            (26, 26),
            {},
            "its 26 images are too few for any share; add images",
        ),
        (
            (40, 40),
            {"test": 0, "validation": 0.6},
            '"class0" has 16 training and 24 validation images; at least 20 and 15 a class are '
            "advised: a validation share of 0.4 gives it about 16 to validate with",
        ),
    ],
)
def test_too_few_images_of_a_class_are_a_warning_with_a_better_share(
    caplog, sizes, config, message
):
    divided(labelled(*sizes), **config)
    (warning,) = caplog.messages
    assert message in warning


def test_the_better_share_ends_the_warning(caplog):
    divided(labelled(300, 80), validation=0.2)
    divided(labelled(40, 40), validation=0.4, test=0.1)
    assert caplog.messages == []


@pytest.mark.parametrize(("count", "warns"), [(29, False), (27, True)])
def test_default_shares_are_warned_of_only_where_few_images_are_left_to_train_on(
    caplog, count, warns
):
    """Of 29 images, 20 are left, of 27, 18; to warn of the default itself helps nobody."""
    divided(labelled(count, count))
    assert bool(caplog.messages) == warns


def test_a_test_part_that_leaves_too_few_to_train_on_is_told(caplog):
    divide_opened({"train": labelled(25, 25), "val": labelled(15, 15)}, test=16)
    assert '"class0" has 17 training images; at least 20 a class are advised' in caplog.text


def test_data_that_is_divided_already_is_not_judged(caplog):
    divide_opened({name: labelled(3, 3) for name in ("train", "val", "test")})
    assert caplog.messages == []


def test_the_data_of_a_run_is_judged_once(tmp_path, caplog):
    """Evaluating and resuming divide it again."""
    options = {"data": "digits(size=8)", "architecture": "mlp(units=2)", "threads": 1}
    run = dlcv.run(**options, fraction=0.2, validation=0.02, epochs=1, runs=tmp_path, name="run")
    assert sum("are advised" in message for message in caplog.messages) == 1
    caplog.clear()
    dlcv.load(run.path).predictions(split="val")
    dlcv.resume(run.path, epochs=2)
    assert not any("are advised" in message for message in caplog.messages)
