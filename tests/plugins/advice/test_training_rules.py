"""What to do next: the rules on figures whose answer is known."""

import math

import attrs
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from dlcv_plugins.advice import training_rules
from dlcv_plugins.advice.diagnosis import Diagnosis, Remedy
from dlcv_plugins.advice.diagnosis import next_steps as steps_of
from dlcv_plugins.advice.sources import GUIDE, bibliography
from dlcv_plugins.advice.training import (
    ClassCount,
    Epoch,
    Measured,
    Members,
    TrainingFacts,
    Way,
    change,
    is_clear,
    steadiness,
)
from dlcv_plugins.advice.training_rules import next_steps

NAN = math.nan


def curve(losses, val_losses, rates=None, val_accuracies=None):
    rates = rates or [0.01] * len(losses)
    val_accuracies = val_accuracies or [0.5] * len(losses)
    return tuple(Epoch(*row) for row in zip(losses, val_losses, rates, val_accuracies, strict=True))


FLAT = curve([0.1] * 10, [0.1] * 10)


def facts(
    training,
    validation,
    test=None,
    *,
    train_val=None,
    epochs=FLAT,
    images=10_000,
    guess=0.1,
    **more,
):
    return TrainingFacts(
        training=Measured(training, 50_000),
        train_validation=None if train_val is None else Measured(train_val, images),
        validation=Measured(validation, images),
        test=None if test is None else Measured(test, images),
        largest_class=guess,
        epochs=epochs,
        **more,
    )


def topics(of):
    return [step.topic for step in next_steps(of)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        # The book's recipe, a case each.
        (facts(0.70, 0.69, 0.69), ["bias"]),
        (facts(0.98, 0.80, 0.80), ["variance"]),
        (facts(0.98, 0.80, 0.80, train_val=0.97), ["mismatch"]),
        (facts(0.98, 0.97, 0.80), ["over-tuning"]),
        # Test images that the data brings may be of another kind; those taken at random are not.
        (facts(0.98, 0.97, 0.80, own_test=True), ["shift"]),
        (facts(0.98, 0.97, 0.02, own_test=True), ["shift"]),
        # Nothing to do: every part is small, or so is the whole error.
        (facts(0.995, 0.994, 0.993), []),
        (facts(1.0, 0.985, 0.981), []),
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


def test_variance_is_that_of_train_validation_where_there_is_such_a_part():
    (found,) = next_steps(facts(0.98, 0.80, 0.80, train_val=0.80))
    assert found.reason == "accuracy: training 98.00 %, train-validation 80.00 %"


@pytest.mark.parametrize("own", [True, False])
def test_a_mismatch_is_possible_only_if_the_data_brings_its_validation_images(own):
    (found,) = next_steps(facts(0.98, 0.80, 0.80, own_validation=own))
    assert ("--train-validation" in found.reason) == own


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


@pytest.mark.parametrize(
    ("losses", "rates", "expected"),
    [
        ([5, 4, 3, 2, 1], [1, 1, 1, 1, 1], 1.0),
        # Half the fall at half the rate is the same speed.
        ([5, 4, 3, 2.5, 2], [1, 1, 1, 0.5, 0.5], 1.0),
        ([5, 3, 1, 1, 1], [1, 1, 1, 1, 1], 0.0),
        ([1, 2, 3, 2, 1], [1, 1, 1, 1, 1], 0.0),
        ([3, 2, 1], [1, 1, 1], 0.0),
    ],
)
def test_steadiness_is_the_speed_at_the_end_beside_that_at_the_beginning(losses, rates, expected):
    assert steadiness(curve(losses, losses, rates)) == pytest.approx(expected)


FALLING = curve([2.0, 1.5, 1.2, 1.0, 0.9], [2.1, 1.9, 1.7, 1.5, 1.3])


def test_a_loss_that_still_falls_wants_more_epochs():
    (found,) = next_steps(facts(0.6, 0.6, 0.6, epochs=FALLING, run="runs/a"))
    assert found.remedies[0] == "train longer with dlcv resume runs/a --epochs COUNT"
    assert "the training loss changes by -10.0 %, the validation loss by -13.3 %" in found.reason


def test_a_schedule_that_has_ended_wants_a_new_run():
    losses, val_losses = [2.0, 1.5, 1.2, 1.1, 1.05], [2.1, 1.9, 1.7, 1.5, 1.3]
    spent = curve(losses, val_losses, [0.1, 0.1, 0.1, 0.1, 0.01])
    (found,) = next_steps(facts(0.6, 0.6, 0.6, epochs=spent))
    assert found.remedies[0] == "a new run with more epochs"
    nearly = attrs.evolve(spent[-1], rate=0.011)
    (found,) = next_steps(facts(0.6, 0.6, 0.6, epochs=(*spent[:-1], nearly)))
    assert "resume" in found.remedies[0]


def test_members_want_a_new_run_rather_than_one_of_them_resumed():
    given = facts(0.6, 0.6, 0.6, epochs=FALLING, members=Members(3, 0.6, 0.7))
    remedies = [r for step in next_steps(given) for r in step.remedies]
    assert "a new run with more epochs" in remedies
    assert not any("dlcv resume" in r for r in remedies)


def test_more_epochs_are_advised_once():
    """The training error is high, so the rule for it says what the curves say."""
    assert topics(facts(0.6, 0.6, 0.6, epochs=FALLING)) == ["bias"]
    assert topics(facts(0.97, 0.93, 0.93, epochs=FALLING)) == ["variance", "length"]


def test_a_loss_that_falls_as_fast_as_at_first_wants_a_higher_rate():
    slow = curve([2.3, 2.28, 2.26, 2.24, 2.22], [2.3, 2.28, 2.26, 2.24, 2.22])
    (found,) = next_steps(facts(0.3, 0.3, 0.3, epochs=slow, run="runs/a"))
    assert found.remedies[0].startswith(
        "a learning rate ten times as high; dlcv lr-search --config"
    )
    assert "runs/a/run.toml" in found.remedies[0]
    assert found.reason.startswith("the training loss went from 2.300 to 2.220 in 5 epochs")


def test_a_loss_that_fell_far_wants_more_epochs_rather_than_a_higher_rate():
    """A schedule ended, so the curves are flat at last, though the network was still learning."""
    losses, rates = [2.0, 1.6, 1.2, 0.9, 0.9], [0.1, 0.1, 0.1, 0.08, 0.001]
    (found,) = next_steps(facts(0.6, 0.6, 0.6, epochs=curve(losses, losses, rates)))
    assert found.remedies[0] == "a new run with more epochs"


def test_flat_curves_at_a_high_training_error_want_a_larger_network():
    (found,) = next_steps(facts(0.7, 0.7, 0.7))
    assert found.remedies[0] == "a larger network"
    augmented = facts(0.7, 0.7, 0.7, way=Way(augments=True))
    assert next_steps(augmented)[0].remedies[:2] == ("weaker augmentation", "a larger network")


@pytest.mark.parametrize(("epochs", "expected"), [(4, "train longer"), (5, "a larger network")])
def test_too_few_epochs_tell_no_flatness(epochs, expected):
    (found,) = next_steps(facts(0.7, 0.7, 0.7, epochs=FLAT[:epochs]))
    assert found.remedies[0].startswith(expected)


def test_a_short_training_that_overfits_is_not_to_go_on():
    epochs = curve([1.0, 0.5, 0.3], [0.5, 0.25, 0.3])
    bias, overfitting = next_steps(facts(0.7, 0.7, 0.7, epochs=epochs))
    assert overfitting.remedies[0].startswith("--early-stopping 5")
    assert not any("longer" in remedy for remedy in bias.remedies)


@pytest.mark.parametrize(("last", "expected"), [(0.53, True), (0.52, False)])
def test_overfitting_is_a_validation_loss_that_rose_by_a_twentieth(last, expected):
    epochs = curve(
        [1.0, 0.5, 0.3, 0.1], [1.0, 0.5, 0.51, last], val_accuracies=[0.5, 0.9, 0.8, 0.7]
    )
    found = [s for s in next_steps(facts(0.99, 0.985, 0.985, epochs=epochs)) if s.topic == "length"]
    assert not found
    found = [
        s for s in next_steps(facts(0.99, 0.95, 0.95, epochs=epochs)) if s.topic == "overfitting"
    ]
    assert bool(found) == expected
    if expected:
        assert found[0].reason == (
            "the validation loss was 0.500 after epoch 2 of 4, and is 0.530; the training loss "
            "fell from 0.500 to 0.100"
        )


def test_weights_of_the_best_epoch_do_not_overfit():
    epochs = curve([1.0, 0.5, 0.3], [0.5, 0.25, 0.3])
    stopped = facts(0.99, 0.95, 0.95, epochs=epochs, way=Way(stops_early=True))
    assert "overfitting" not in topics(stopped)


def test_validation_images_of_another_kind_tell_nothing_of_overfitting():
    epochs = curve([1.0, 0.5, 0.3], [0.5, 0.25, 0.3])
    assert topics(facts(0.99, 0.5, 0.5, train_val=0.98, epochs=epochs)) == ["mismatch"]


def test_a_training_that_gets_worse_altogether_does_not_overfit():
    epochs = curve([1.0, 0.5, 0.7], [1.0, 0.5, 0.8])
    assert "overfitting" not in topics(facts(0.9, 0.9, 0.9, epochs=epochs))


def test_a_diverged_training_says_nothing_else():
    (found,) = next_steps(facts(0.1, 0.1, 0.1, epochs=curve([2.0, NAN], [NAN, NAN])))
    assert found.finding == "The training diverged."
    assert found.reason == "the training loss of the last epoch is nan"


@pytest.mark.parametrize(("accuracy", "expected"), [(0.92, ["training"]), (0.93, [])])
def test_guessing_is_told_by_chance(accuracy, expected):
    """90 % are of one class; of 1,000, 91.5 % is at least 89.8 %, and 92.5 % at least 90.9 %."""
    given = facts(accuracy - 0.005, accuracy - 0.005, accuracy - 0.005, images=1000, guess=0.9)
    assert [t for t in topics(given) if t == "training"] == expected


@pytest.mark.parametrize(
    ("given", "finding", "remedy"),
    [
        (
            facts(0.1, 0.1, 0.1, while_training=Measured(0.8, 1000)),
            "batch normalization has not settled",
            "train again with --batch-statistics precise",
        ),
        (
            facts(0.7, 0.6, 0.6, stage_before=Measured(0.9, 1000)),
            "The last stage lost what the stage before had learned",
            "a learning rate ten times lower for the last stage",
        ),
        (facts(0.99, 0.1, 0.1), "nothing that holds for others", "look at the images with their"),
        (facts(0.1, 0.1, 0.1), "It learns nothing", "divide the learning rate by 10"),
        (
            facts(0.95, 0.95, 0.95, guess=0.95, favorite=1.0),
            "predicts the largest class",
            "--class-weights balanced",
        ),
        (
            facts(0.99, 0.65, 0.65, images=20, guess=0.5),
            "can't be distinguished from guessing",
            "hold out more images",
        ),
        (
            facts(0.2, 0.1, 0.1, epochs=curve([2.4, 2.3, 2.2, 2.1, 2.0], [2.3] * 5)),
            "nothing that holds for others",
            "look at the images",
        ),
        (
            facts(0.1, 0.1, 0.1, epochs=curve([2.34, 2.33, 2.32, 2.31, 2.30], [2.3] * 5)),
            "learns slowly",
            "a learning rate ten times as high",
        ),
        (
            facts(0.1, 0.1, 0.1, epochs=(), way=Way(classifier="linear_svm")),
            "the features do not",
            "look at",
        ),
    ],
)
def test_what_is_broken_comes_alone(given, finding, remedy):
    (found,) = next_steps(given)
    assert finding in found.finding
    assert found.remedies[0].startswith(remedy)


def of_common_and_rare(common, rare):
    """90 % of 950 and 50 images are right, say: an accuracy below that of the largest class."""
    right = (round(950 * common), round(50 * rare))
    classes = (ClassCount("common", 9500, 950, right[0]), ClassCount("rare", 500, 50, right[1]))
    accuracy = sum(right) / 1000
    favorite = (right[0] + 50 - right[1]) / 1000
    return facts(
        accuracy, accuracy, accuracy, images=1000, guess=0.95, favorite=favorite, classes=classes
    )


def test_a_classifier_that_recognizes_a_rare_class_does_not_guess():
    (found,) = next_steps(of_common_and_rare(0.9, 0.9))
    assert found.finding == "Many training images are misclassified."
    (found,) = next_steps(of_common_and_rare(0.9, 0.1))
    assert "It learns nothing" in found.finding


def test_a_rare_class_that_is_mostly_missed_wants_class_weights():
    """A recall of 20 % is clearly above chance; the network favors the largest class still."""
    (found,) = next_steps(of_common_and_rare(0.998, 0.2))
    assert "predicts the largest class" in found.finding
    assert not any(
        "predicts the largest class" in step.finding
        for step in next_steps(of_common_and_rare(0.998, 0.8))
    )


def test_one_lucky_image_of_a_rare_class_does_not_hide_that_it_guesses():
    classes = (ClassCount("common", 99, 19, 19), ClassCount("rare", 10, 1, 1))
    given = facts(0.5, 0.5, 0.5, images=20, guess=0.95, classes=classes)
    assert "It learns nothing" not in next_steps(given)[0].finding
    lucky = attrs.evolve(given, classes=(attrs.evolve(classes[0], right=10), classes[1]))
    assert "It learns nothing" in next_steps(lucky)[0].finding


SCRATCH = {"per_class": 60, "data": "photos"}


def test_few_photographs_want_a_pretrained_network_first():
    first, second = next_steps(facts(0.99, 0.7, 0.7, **SCRATCH))
    assert first.remedies[0].startswith(
        "start from a pretrained network: dlcv transfer --data photos"
    )
    assert first.is_first
    assert second.topic == "variance"


@pytest.mark.parametrize(
    "given",
    [
        facts(0.99, 0.7, 0.7, per_class=5000),
        facts(0.99, 0.95, 0.95, **SCRATCH),
        facts(0.99, 0.7, 0.7, way=Way(pretrained=True), **SCRATCH),
        facts(0.99, 0.7, 0.7, way=Way(color=False), **SCRATCH),
        facts(
            0.99, 0.7, 0.7, epochs=(), way=Way(classifier="linear_svm", pretrained=True), **SCRATCH
        ),
    ],
)
def test_others_are_not_told_to_start_again(given):
    assert "images" not in topics(given)
    assert not any("dlcv transfer" in r for step in next_steps(given) for r in step.remedies)


def test_a_class_of_three_images_is_named():
    classes = (ClassCount("rose", 2, 1, 0), ClassCount("lily", 50, 20, 19))
    first, *_ = next_steps(facts(0.99, 0.95, 0.95, classes=classes))
    assert first.finding == 'The class "rose" has only 2 training images.'
    assert first.reason.startswith("0 of its 1 held-out images are recognized")
    even = tuple(attrs.evolve(one, trained=50) for one in classes)
    assert "classes" not in topics(facts(0.99, 0.95, 0.95, classes=even))


@pytest.mark.parametrize(
    ("without", "told"),
    [(0.9, "without them it is 90.00 %"), (None, "all of them are")],
)
def test_copies_among_the_training_images_come_first(without, told):
    first, *_ = next_steps(facts(0.99, 0.95, 0.95, copies=0.25, without_copies=without))
    assert first.finding == "The accuracy is partly that on images which were trained on."
    assert first.reason.startswith("25.00 % of the test images are copies of training images")
    assert first.reason.endswith(told)
    assert "copies" not in topics(facts(0.99, 0.95, 0.95))


@pytest.mark.parametrize(
    ("without", "expected"),
    [(0.696, ["images", "variance", "copies"]), (0.694, ["copies", "images", "variance"])],
)
def test_copies_that_change_little_hide_no_other_advice(without, expected):
    """A single copy among hundreds of test images comes last; half a point comes first."""
    given = facts(0.99, 0.7, 0.7, copies=0.002, without_copies=without, **SCRATCH)
    assert topics(given) == expected


def test_members_that_gain_nothing_are_named():
    def of(together):
        return facts(0.9, 0.9, 0.9, members=Members(3, 0.9, together))

    assert topics(of(0.901)) == ["bias", "members"]
    assert topics(of(0.92)) == ["bias"]


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("lowest", '--classifier "linear_svm(C=(1, 2))", which fits less closely'),
        ("highest", '--classifier "linear_svm(C=(1, 2))", which fits more closely'),
        ("", None),
    ],
)
def test_a_fitted_classifier_is_told_of_classifiers(end, expected):
    way = Way(classifier="linear_svm", pretrained=True, grid_end=end, beyond="C=(1, 2)")
    found = next_steps(facts(0.93, 0.9, 0.9, epochs=(), way=way))
    remedies = [remedy for step in found for remedy in step.remedies]
    assert any("dlcv finetune" in remedy for remedy in remedies)
    assert (
        any(expected in r for r in remedies) if expected else not any("C=" in r for r in remedies)
    )
    for word in ("epochs", "learning rate", "dropout", "smaller network", "class-weights"):
        assert not any(word in remedy for remedy in remedies)


def test_a_fitted_classifier_without_validation_images_has_advice():
    found = attrs.evolve(
        facts(1.0, 0.5, 0.8, epochs=(), way=Way(classifier="linear_svm")), validation=None
    )
    assert topics(found) == ["variance"]
    assert next_steps(found)[0].reason.endswith("test 80.00 % of 10,000 images")


ACCURACIES = st.floats(0, 1)
PARTS = st.none() | ACCURACIES
LOSSES = st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9), st.floats(1e-6, 1)), max_size=8)
WAYS = st.builds(
    Way,
    st.booleans(),
    st.sampled_from(["", "linear_svm"]),
    *[st.booleans()] * 4,
    st.sampled_from(["", "lowest", "highest"]),
)


@for_all(ACCURACIES, ACCURACIES, PARTS, PARTS, LOSSES, WAYS, st.integers(1, 5000), st.booleans())
def test_no_advice_contradicts_another(training, val, test, train_val, rows, way, images, own):
    epochs = () if way.fitted else tuple(Epoch(*row) for row in rows) or FLAT
    given = facts(
        training, val, test, train_val=train_val, epochs=epochs, images=images, way=way,
        own_test=own, per_class=images, while_training=Measured(0.5, images),
        stage_before=train_val and Measured(train_val, images),
    )  # fmt: skip
    steps = next_steps(given)
    remedies = [remedy for step in steps for remedy in step.remedies]
    assert len(steps) <= training_rules.MOST
    assert len(set(remedies)) == len(remedies)
    assert [step.is_first for step in steps] == [True, *[False] * (len(steps) - 1)][: len(steps)]
    for one, other in (
        ("longer", "--early-stopping"),
        ("more epochs", "--early-stopping"),
        ("a larger network", "a smaller network"),
        ("ten times as high", "divide the learning rate"),
        ("weaker augmentation", "augmentation that keeps"),
    ):
        assert not (any(one in r for r in remedies) and any(other in r for r in remedies))
    for step in steps:
        assert all((step.topic, step.finding, step.reason, step.source))
        assert step.topic == "classifier" or any(map(str.isdigit, step.reason))


def test_another_architecture_is_advised_once():
    remedies = [r for step in next_steps(facts(0.5, 0.25)) for r in step.remedies]
    assert remedies.count("another architecture") == 1


def test_a_remedy_gives_way_to_what_was_advised_before():
    def diagnosis(topic, *remedies):
        return Diagnosis(topic, lambda f: True, topic, lambda f: "1", remedies, (GUIDE,))

    given = facts(0.5, 0.5)
    found = steps_of(
        given,
        [
            diagnosis("one", Remedy("larger", "+size"), Remedy("wider", "+size")),
            diagnosis("two", Remedy("smaller", "-size"), Remedy("data of {f.data}")),
            diagnosis("three", Remedy("larger still", "+size")),
            diagnosis("two", Remedy("of a topic that had its turn")),
            diagnosis("four", Remedy("not here", applies=lambda f: f is not given)),
        ],
        most=4,
        most_remedies=2,
    )
    assert [step.remedies for step in found] == [("larger", "wider"), ("data of DATA",)]


def test_an_error_that_was_measured_with_augmentation_says_so():
    old = attrs.evolve(facts(0.7, 0.7, 0.7), is_augmented=True)
    assert "misclassified while training, with augmentation" in next_steps(old)[0].reason
    assert "augmentation" not in next_steps(facts(0.7, 0.7, 0.7))[0].reason


def test_every_source_can_be_looked_up():
    rules = (
        *training_rules.BROKEN, training_rules.COPIES, *training_rules.FIRST, *training_rules.PARTS,
        *training_rules.CURVES,
    )  # fmt: skip
    listed = bibliography(source for rule in rules for source in rule.sources)
    assert len(listed) == 7
    assert any(line.startswith("Goodfellow 2016: Ian Goodfellow") for line in listed)
