"""The preprocessors of a run: those that are named, and those that the network wants."""

import pytest

import dlcv
from dlcv import registry
from dlcv.config import RunConfig
from dlcv.errors import DlcvError
from dlcv.registry.spec import SpecList
from dlcv.runs.experiment import make_steps


@pytest.mark.parametrize(
    ("given", "network", "expected"),
    [
        ("auto", "lenet", "scale"),
        ("auto", "resnet56", "mean(per=pixel)"),
        ("auto", "vgg16", "imagenet_input(mode=caffe)"),
        ("auto", "fc_head(base=densenet121)", "imagenet_input(mode=torch)"),
        ("auto", "efficientnetv2b0", ""),
        ("aspect_aware, auto, flip", "xception", "aspect_aware, imagenet_input(mode=tf), flip"),
        ("scale", "vgg16", "scale"),
        ("", "vgg16", ""),
    ],
)
def test_auto_becomes_what_the_network_wants(given, network, expected):
    steps = make_steps(SpecList.parse(given), registry.create("architecture", network))

    assert list(steps) == registry.create_list("preprocessor", expected)


def test_auto_is_what_is_used_where_nothing_is_named():
    assert str(RunConfig().preprocessors) == "auto"


def test_auto_has_no_options():
    with pytest.raises(DlcvError, match='unknown preprocessor "auto"'):
        make_steps(SpecList.parse("auto(size=3)"), registry.create("architecture", "lenet"))


def test_record_of_a_run_names_the_steps_themselves(photos, tmp_path):
    run = dlcv.run(
        data=str(photos(size=(16, 16))),
        architecture="gap_head(base=lenet(width=0.1))",
        epochs=1,
        runs=tmp_path / "runs",
    )

    assert 'preprocessors = "scale(factor=' in (run.path / "run.toml").read_text()
