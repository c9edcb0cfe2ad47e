"""`dlcv finetune`: a new head on a body that was trained on other classes."""

import tomllib

import pytest
from forked import dlcv as forked

from dlcv.errors import DlcvError
from dlcv_plugins.commands.finetune.configuration import fine_tuning


def dlcv(folder, *arguments):
    return forked(*arguments, folder=folder)


def test_a_trained_body_gets_a_new_head_for_other_classes(photos, tmp_path):
    photos(count=12, name="colors")
    photos(classes=("one", "two"), count=12, name="others")
    small = ("--batch-size", "4", "--input-size", "16", "--threads", "1", "--quiet")
    base = ("--arch", "lenet(width=0.2)", "--epochs", "1", "--name", "base")
    first = dlcv(tmp_path, "run", "--data", "colors", *base, *small)
    assert first.returncode == 0, first.stderr
    second = dlcv(
        tmp_path, "finetune", "--data", "others", "--base", "lenet(width=0.2)",
        "--weights", "runs/base", "--head", "fc_head(units=8)", "--head-epochs", "2",
        "--epochs", "1", "--learning-rate", "0.01", "--trainable", "conv2*, head",
        "--name", "tuned", *small,
    )  # fmt: skip
    assert second.returncode == 0, second.stderr
    assert "trained   3 epochs" in second.stdout
    stages = tomllib.loads((tmp_path / "runs/tuned/run.toml").read_text())["stages"]
    assert [stage["trainable"] for stage in stages] == ["head", "conv2*, head"]
    assert ["0.01" in s["optimizer"] for s in stages] == [True, False]
    # The first convolution was frozen throughout, so it is still the earlier run's.
    import numpy as np

    import dlcv as package

    kernels = [
        package.load(tmp_path / "runs" / name).model.get_layer("conv1").kernel.numpy()
        for name in ("base", "tuned")
    ]
    assert np.array_equal(*kernels)


def test_the_second_stage_has_a_tenth_of_the_rate():
    config = fine_tuning("vgg16", "imagenet", learning_rate=0.002, trainable="15:")
    first, second = config.stages
    assert str(config.architecture) == 'fc_head(base=vgg16(weights="imagenet"))'
    assert (first.optimizer.options["learning_rate"], first.trainable) == (0.002, "head")
    assert (second.optimizer.options["learning_rate"], second.trainable) == (0.0002, "15:")
    assert (first.epochs, second.epochs) == (15, 5)


@pytest.mark.parametrize(
    ("base", "head"), [("vgg16(weights=imagenet)", "fc_head"), ("vgg16", "fc_head(base=lenet)")]
)
def test_what_is_named_twice_is_refused(base, head):
    with pytest.raises(DlcvError, match="name the weights by weights alone"):
        fine_tuning(base, "imagenet", head=head)


@pytest.mark.parametrize(
    ("base", "weights", "head", "message"),
    [
        ("lenet", "imagenet", "fc_head", "lenet has no weights of ImageNet; name a run of yours"),
        ("vgg16", "imagenet", "lenet", "lenet is no classifier to put on a body; fc_head and"),
        ("vgg61", "imagenet", "fc_head", 'unknown architecture "vgg61".*"vgg16"'),
        ("lenet", "runs/before", "fc_haed", 'unknown architecture "fc_haed".*"fc_head"'),
    ],
)
def test_networks_that_do_not_go_together_are_refused(base, weights, head, message):
    with pytest.raises(DlcvError, match=message):
        fine_tuning(base, weights, head=head)


def test_a_missing_option_is_one_line(tmp_path):
    done = dlcv(tmp_path, "finetune", "--base", "vgg16")
    assert done.returncode == 2
    assert "--weights" in done.stderr
