"""What a search varies, read from text and put into configurations."""

import pytest

pytest.importorskip("optuna")

from dlcv.api import RunConfig
from dlcv.errors import DlcvError
from dlcv_plugins.commands.search.space import applied, read_space


@pytest.fixture(scope="module")
def config():
    return RunConfig.from_options(
        data="digits", architecture="resnet", preprocessors="affine(rotation=5), auto"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("learning_rate=log(1e-4, 1e-1)", (1e-4, 1e-1, True, False)),
        ("preprocessors.affine.rotation=(0, 30)", (0, 30, False, False)),
        ("batch_size=log(8, 128)", (8, 128, True, True)),
        ("stages.1.epochs=(2, 5)", (2, 5, False, True)),
    ],
)
def test_range_has_ends_a_scale_and_whole_numbers_where_the_option_has(config, text, expected):
    (found,) = read_space(config, [text])
    assert (found.low, found.high, found.is_log, found.is_whole) == expected


def test_choices_are_numbers_and_texts(config):
    texts = ['architecture=[resnet, "minivggnet"]', "input_size=[16, (16, 24)]"]
    assert [d.choices for d in read_space(config, texts)] == [
        ("resnet", "minivggnet"), (16, "(16, 24)"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rate", '"rate" names no option; write NAME=VALUES'),
        ("learning_rate=(0, 1", r'learning_rate: can\'t read "\(0, 1"'),
        ("learning_rate=0.1", 'can\'t read "0.1"; write a range'),
        ("learning_rate=(1, 1)", r"the range \(1, 1\) is empty; write the smaller end first"),
        ("learning_rate=(0, 1e999)", "ends that are no finite numbers"),
        ("learning_rate=log(0, 1)", "must begin above 0"),
        ("seed=[1]", "fewer than two choices"),
        ("seed=[1, 1]", "or one of them twice"),
        ("learing_rate=(0.1, 0.2)", 'no option "learing_rate"; did you mean "learning_rate"'),
        ("validation=(0.1, 0.2)", "validation can't be varied, since trials are compared"),
        ("loss=[a, b]", "loss can't be varied"),
        ("batch_size=(-1, 4)", "batch_size: expected int >= 1, received -1"),
        ("architecture=[resnet, rasnet]", 'architecture: unknown architecture "rasnet"'),
        ("preprocessors.flip.x=(0, 1)", "names no flip there, but affine, auto; add flip"),
        ("preprocessors.affine.rotate=(0, 1)", 'affine has no option "rotate"'),
        ("preprocessors.affine=(0, 1)", "name an option of affine"),
        ("stages.2.epochs=(1, 2)", "name a stage by its number, 1 to 1"),
    ],
)
def test_wrong_dimension_is_one_line(config, text, message):
    with pytest.raises(DlcvError, match=message) as raised:
        read_space(config, [text])
    assert str(raised.value).startswith("vary: ")
    assert "\n" not in str(raised.value)


def test_option_that_is_named_twice_is_refused(config):
    with pytest.raises(DlcvError, match="learning_rate is named twice"):
        read_space(config, ["learning_rate=(0.1, 0.2)", "learning_rate=[0.1, 0.3]"])


def test_option_of_a_plugin_among_the_choices_is_varied_with_it_alone(config):
    texts = ["architecture.minivggnet.width=(0.5, 2.0)", "architecture=[resnet, minivggnet]"]
    first, second = read_space(config, texts)
    assert (first.name, second.name) == ("architecture", "architecture.minivggnet.width")
    chosen = applied(config, {"architecture": "minivggnet", second.name: 0.7})
    assert str(chosen.architecture) == "minivggnet(width=0.7)"
    assert str(applied(config, {second.name: 0.7}).architecture) == "resnet"


def test_values_reach_plugins_within_plugins_and_stages():
    config = RunConfig.from_options(data="digits", architecture="fc_head(base=lenet(width=0.2))")
    changed = applied(
        config,
        {"architecture.fc_head.base.lenet.width": 0.5, "optimizer": "sgd", "learning_rate": 0.3},
    )
    assert str(changed.architecture) == "fc_head(base=lenet(width=0.5))"
    assert str(changed.stages[0].optimizer) == "sgd(learning_rate=0.3)"
