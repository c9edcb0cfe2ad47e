"""`dlcv finetune`: a new head on a body that was trained on other classes."""

import tomllib

import pytest
from forked import dlcv

from dlcv.errors import DlcvError
from dlcv_plugins.commands.finetune.configuration import fine_tuning


def test_a_trained_body_gets_a_new_head_for_other_classes(base_run, photos, tmp_path):
    photos(classes=("one", "two"), count=12, name="others")
    small = ("--batch-size", "4", "--input-size", "16", "--threads", "1")
    second = dlcv(
        "finetune", "--data", "others", "--base", "lenet(width=0.2)",
        "--weights", base_run.path, "--head", "fc_head(units=8)", "--head-epochs", "2",
        "--epochs", "1", "--learning-rate", "0.01", "--trainable", "conv2*, head",
        "--name", "tuned", *small, folder=tmp_path, has_pictures=False,
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
        run.model.get_layer("conv1").kernel.numpy()
        for run in (base_run, package.load(tmp_path / "runs" / "tuned"))
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
    with pytest.raises(DlcvError, match="weights are given twice; use only --weights"):
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


def test_run_as_the_base_gives_its_network_weights_and_preprocessors(photos, tmp_path):
    photos(count=12, name="colors")
    small = ("--batch-size", "4", "--threads", "1")
    arch = ("--arch", "linear_head(base=lenet(width=0.2))", "--input-size", "16")
    steps = ("--preproc", "simple, scale(factor=0.01)")
    first = dlcv("run", "--data", "colors", *arch, *steps, "--epochs", "1", *small,
                 "--name", "base", folder=tmp_path, has_pictures=False)  # fmt: skip
    assert first.returncode == 0, first.stderr

    second = dlcv("finetune", "--data", "colors", "--base", "runs/base",
                  "--head-epochs", "1", "--epochs", "1", "--trainable", "head",
                  "--name", "tuned", *small, folder=tmp_path, has_pictures=False)  # fmt: skip

    assert second.returncode == 0, second.stderr
    config = tomllib.loads((tmp_path / "runs/tuned/run.toml").read_text())
    assert config["architecture"].startswith("fc_head(base=lenet(width=0.2")
    assert config["preprocessors"].endswith("scale(factor=0.01)")
    assert config["input_size"] == [16, 16]
    import numpy as np

    import dlcv as package

    kernels = [
        package.load(tmp_path / "runs" / name).model.get_layer("conv1").kernel.numpy()
        for name in ("base", "tuned")
    ]
    assert np.array_equal(*kernels)


def test_run_as_the_base_with_other_weights_is_refused(tmp_path):
    (tmp_path / "run").mkdir()
    with pytest.raises(DlcvError, match="is a run, which has its own weights"):
        fine_tuning(str(tmp_path / "run"), "imagenet")


def test_base_that_is_neither_run_nor_name_is_one_line():
    with pytest.raises(DlcvError, match="base: there is no run runs/none, and as a network's name"):
        fine_tuning("runs/none")


def test_network_with_weights_of_its_own_needs_no_option():
    assert str(fine_tuning("vgg16").architecture) == 'fc_head(base=vgg16(weights="imagenet"))'
