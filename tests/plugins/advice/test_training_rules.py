"""What to do next: the sources' recipe on figures whose answer is known."""

import math

import attrs
import pytest

from dlcv_plugins.advice.training import Epoch, Measured, TrainingFacts, change, is_clear
from dlcv_plugins.advice.training_rules import next_steps

NAN = math.nan


def curve(losses, val_losses, rates=None):
    rates = rates or [0.01] * len(losses)
    return tuple(Epoch(*row) for row in zip(losses, val_losses, rates, strict=True))


FLAT = curve([0.1] * 10, [0.1] * 10)


def facts(
    training, validation, test=None, *, train_val=None, epochs=FLAT, images=10_000, guess=0.1
):
    return TrainingFacts(
        training=Measured(training, 50_000),
        train_validation=None if train_val is None else Measured(train_val, images),
        validation=Measured(validation, images),
        test=None if test is None else Measured(test, images),
        largest_class=guess,
        epochs=epochs,
    )


def topics(of):
    return [step.advice.topic for step in next_steps(of)]


def advice(of):
    return [step.advice for step in next_steps(of)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        # The book's recipe, a case each.
        (facts(0.70, 0.69, 0.69), ["bias"]),
        (facts(0.98, 0.80, 0.80), ["variance"]),
        (facts(0.98, 0.80, 0.80, train_val=0.97), ["mismatch"]),
        (facts(0.98, 0.97, 0.80), ["over-tuning"]),
        # Nothing to do: every part is small.
        (facts(0.995, 0.994, 0.993), []),
        # The largest part comes first, and a high training error is named beside it.
        (facts(0.90, 0.70, 0.70), ["variance", "bias"]),
        (facts(0.60, 0.50, 0.50), ["bias", "variance"]),
        (facts(0.96, 0.80, 0.80), ["variance"]),
        # Validation images without augmentation may be easier than the training's with it.
        (facts(0.80, 0.85, 0.85), ["bias"]),
    ],
)
def test_the_largest_part_of_the_error_comes_first(given, expected):
    assert topics(given) == expected


def test_the_parts_make_up_the_error_on_held_out_images():
    parts = facts(0.95, 0.80, 0.78, train_val=0.90).parts
    assert parts == pytest.approx(
        {"bias": 0.05, "variance": 0.05, "mismatch": 0.10, "over-tuning": 0.02}
    )
    assert sum(parts.values()) == pytest.approx(1 - 0.78)


def test_a_gap_that_chance_explains_is_no_finding():
    """Of 100 images each, 90 and 85 right: the interval reaches from -4.3 to 14.4 points."""
    few = facts(0.999, 0.90, 0.85, images=100)
    assert "over-tuning" not in topics(few)
    assert "over-tuning" in topics(facts(0.999, 0.90, 0.85))


@pytest.mark.parametrize(("second", "expected"), [(0.80, True), (0.81, False)])
def test_clear_is_beyond_the_interval_of_the_difference(second, expected):
    """Of 100 images each, 90 and 80 right: Newcombe's interval begins at 0.01 points."""
    assert is_clear(Measured(0.9, 100), Measured(second, 100)) == expected


def test_saturation_is_told_from_other_variance():
    (found,) = advice(facts(1.0, 0.9, 0.9))
    assert found.topic == "variance"
    assert "saturated" in found.finding
    assert "lower learning rate" in found.advice
    assert found.reason.startswith("accuracy: training 100.00 %, validation 90.00 % (part of the")
    assert "saturated" not in advice(facts(0.99, 0.9, 0.9))[0].finding


def test_variance_is_that_of_train_validation_where_there_is_such_a_part():
    (found,) = advice(facts(0.98, 0.80, 0.80, train_val=0.80))
    assert found.reason == "accuracy: training 98.00 %, train-validation 80.00 %"


def test_without_test_images_nothing_is_said_of_over_tuning():
    assert facts(0.98, 0.80).parts == pytest.approx({"bias": 0.02, "variance": 0.18})
    assert facts(0.98, 0.80).held_out.accuracy == 0.80


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # Of ten epochs, 7 and 5 before 3 and 1: 2 / 6 - 1.
        ([9, 9, 9, 9, 9, 9, 7, 5, 3, 1], -2 / 3),
        ([4, 5], 0.25),
        ([4], 0.0),
        ([0, 0], 0.0),
    ],
)
def test_change_compares_the_last_two_parts(values, expected):
    assert change(values) == pytest.approx(expected)


FALLING = curve([2.0, 1.8, 1.6, 1.4, 1.2], [2.1, 1.9, 1.7, 1.5, 1.3])


def test_a_loss_that_still_falls_wants_more_epochs():
    first, second = advice(facts(0.6, 0.6, 0.6, epochs=FALLING))
    assert (first.topic, second.topic) == ("bias", "length")
    assert first.advice.startswith("train longer")
    assert second.advice.startswith("train longer with dlcv resume")
    assert second.reason == "at the end: training -14.3 %, validation -13.3 %"


def test_a_schedule_that_has_ended_wants_a_new_run():
    spent = curve(
        [e.loss for e in FALLING], [e.val_loss for e in FALLING], [0.1, 0.1, 0.1, 0.1, 1e-3]
    )
    found = advice(facts(0.6, 0.6, 0.6, epochs=spent))[-1]
    assert found.advice == "a new run with more epochs"
    assert found.reason.endswith("; the learning rate has come down to 0.001")
    nearly = attrs.evolve(spent[-1], rate=1.1e-3)
    assert "resume" in advice(facts(0.6, 0.6, 0.6, epochs=(*spent[:-1], nearly)))[-1].advice


def test_a_loss_that_falls_on_training_images_only_wants_no_more_epochs():
    only_training = curve([2.0, 1.8, 1.6, 1.4, 1.2], [1.9] * 5)
    assert "length" not in topics(facts(0.6, 0.6, 0.6, epochs=only_training))


def test_flat_curves_at_a_high_training_error_want_a_larger_network():
    (found,) = advice(facts(0.7, 0.7, 0.7))
    assert found.advice.startswith("a larger network; then")
    assert found.reason.endswith("at the end the training loss changes by +0.0 %")


def test_curves_at_the_end_of_a_schedule_are_flat_for_that_reason():
    spent = curve([0.1] * 10, [0.1] * 10, [0.1] * 9 + [0.0])
    assert "stopped learning" not in advice(facts(0.7, 0.7, 0.7, epochs=spent))[0].finding


def test_too_few_epochs_tell_no_flatness():
    (found,) = advice(facts(0.7, 0.7, 0.7, epochs=FLAT[:4]))
    assert found.finding == "The training images are not learned yet."
    assert found.advice.startswith("train longer;")
    assert found.reason == ("30.00 % of the training images are misclassified, after only 4 epochs")
    (found,) = advice(facts(0.7, 0.7, 0.7, epochs=FLAT[:5]))
    assert found.advice.startswith("a larger network;")


def test_a_short_training_that_overfits_is_not_to_go_on():
    epochs = curve([1.0, 0.5, 0.3], [0.5, 0.25, 0.3])
    bias, overfitting = advice(facts(0.7, 0.7, 0.7, epochs=epochs))
    assert overfitting.advice.startswith("fewer epochs")
    assert "train longer" not in bias.advice


@pytest.mark.parametrize(("last", "expected"), [(0.53, True), (0.52, False)])
def test_overfitting_is_a_validation_loss_that_rose_by_a_twentieth(last, expected):
    epochs = curve([1.0, 0.5, 0.3, 0.1], [1.0, 0.5, 0.51, last])
    found = [
        f for f in advice(facts(0.99, 0.985, 0.985, epochs=epochs)) if f.topic == "overfitting"
    ]
    assert bool(found) == expected
    if expected:
        assert found[0].reason == (
            "the validation loss was 0.500 after epoch 2 of 4, and is 0.530; the training loss "
            "fell from 0.500 to 0.100"
        )


def test_a_training_that_gets_worse_altogether_does_not_overfit():
    epochs = curve([1.0, 0.5, 0.7], [1.0, 0.5, 0.8])
    assert "overfitting" not in topics(facts(0.9, 0.9, 0.9, epochs=epochs))


def test_a_diverged_training_says_nothing_else():
    (found,) = advice(facts(0.1, 0.1, 0.1, epochs=curve([2.0, NAN], [NAN, NAN])))
    assert found.finding == "The training diverged."
    assert found.reason == "the training loss of the last epoch is nan"


@pytest.mark.parametrize(("accuracy", "expected"), [(0.92, ["training"]), (0.93, [])])
def test_guessing_is_told_by_chance(accuracy, expected):
    """90 % are of one class; of 1,000, 91.5 % is at least 89.8 %, and 92.5 % at least 90.9 %."""
    given = facts(accuracy - 0.005, accuracy - 0.005, accuracy - 0.005, images=1000, guess=0.9)
    assert [t for t in topics(given) if t == "training"] == expected


@pytest.mark.parametrize(
    "given",
    [facts(0.7, 0.7), facts(1.0, 0.5, 0.4, train_val=0.8), facts(0.6, 0.6, epochs=FALLING[:1])],
)
def test_every_finding_has_its_figures_and_a_source(given):
    for found in advice(given):
        assert all((found.topic, found.finding, found.advice, found.reason, found.source))
        assert any(character.isdigit() for character in found.reason)


def test_an_error_that_was_measured_with_augmentation_says_so():
    old = attrs.evolve(facts(0.7, 0.7, 0.7), is_augmented=True)
    assert "misclassified while training, with augmentation" in advice(old)[0].reason
    assert "augmentation" not in advice(facts(0.7, 0.7, 0.7))[0].reason
