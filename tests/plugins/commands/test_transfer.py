"""`dlcv extract`, `dlcv fit`, `dlcv transfer`, as a user types them."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error

import pytest
from forked import dlcv as forked

from dlcv.cli.main import dlcv as dlcv_command
from dlcv.errors import DlcvError


def dlcv(folder, *arguments):
    return forked(*arguments, folder=folder)


def refusal(*arguments):
    """Returns the line that a command in this process and folder is refused with."""
    with pytest.raises(DlcvError) as refused:
        dlcv_command([*map(str, arguments)], standalone_mode=False)
    return str(refused.value)


def test_features_are_extracted_once_and_fitted_to(
    base_run, flowers, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    body = ("--base", base_run.path, "--layer", "dense1_relu", "--data", flowers)
    done = dlcv(tmp_path, "extract", *body, "--out", "features", "--threads", "1")
    assert done.returncode == 0, done.stderr
    assert "features  100 an image, of dense1_relu" in done.stdout
    assert re.search(r"^train +\d+ +0\.\d$", done.stdout, re.MULTILINE)
    assert done.stdout.strip().endswith("dlcv fit features --classifier linear_svm")
    again = refusal("extract", *body, "--out", "features")
    assert again.startswith("features exists already")

    grid = "logistic_regression(C=(0.1, 1, 10))"
    done = subprocess.run(
        [sys.executable, "-m", "dlcv", "fit", "features", "--classifier", grid, "--name", "linear"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "C=10: " in done.stderr
    # Libraries that start have a lot to say, which nobody wants to read.
    assert "oneDNN" not in done.stderr
    assert re.search(r"fitted    logistic_regression with C \d+(\.\d)?, the best of 3", done.stdout)
    assert re.search(r"accuracy  \d+\.\d\d % on the \d+ held-out images of test", done.stdout)
    assert "daisy" in done.stdout
    assert "predict   dlcv predict runs/linear" in done.stdout

    image = flowers / "rose" / "000.png"
    done = dlcv(tmp_path, "predict", "runs/linear", image, "--json")
    assert done.returncode == 0, done.stderr
    assert "rose" in done.stdout
    capsys.readouterr()
    dlcv_command(["evaluate", "runs/linear", "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out)["metrics"]["rank1"] >= 0.5

    shutil.rmtree(tmp_path / "features" / "checkpoints")
    assert "holds no weights of the body; extract the features again" in refusal("fit", "features")


def test_in_one_go(base_run, flowers, tmp_path):
    done = dlcv(
        tmp_path, "transfer", "--base", base_run.path, "--data", flowers, "--name", "flowers",
        "--classifier", "random_forest(trees=10)", "--threads", "1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "fitted    random_forest, to " in done.stdout
    assert "validated " in done.stdout
    assert (tmp_path / "runs" / "flowers" / "report.html").exists()
    assert sorted(p.name for p in (tmp_path / "runs").iterdir()) == ["flowers", "latest"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("transfer", "--data", "photos", "--weights", "body.pth"),
            "--weights body.pth needs its network: name it with --base",
        ),
        (("transfer", "--base", "vgg61", "--data", "photos"), 'or "vgg16"?'),
        (("extract", "--base", "lenet", "--data", "photos", "--out", "f"), "name a run or a file"),
        (
            ("transfer", "--base", "runs/none", "--data", "photos"),
            "base: there is no run runs/none",
        ),
        (("fit", "photos"), "holds no features.toml; `dlcv extract` makes a folder of features"),
        (("fit", "none"), "none does not exist; `dlcv extract` makes a folder of features"),
    ],
)
def test_what_is_wrong_is_one_line(arguments, message, flowers, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").symlink_to(flowers)
    told = refusal(*arguments)
    assert message in told
    assert "\n" not in told
    assert capfd.readouterr() == ("", "")


def test_weights_that_can_not_be_downloaded_are_said(flowers, tmp_path, monkeypatch):
    def refuse(*arguments):
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", refuse)
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path / "keras"))
    told = refusal("transfer", "--base", "mobilenet", "--data", flowers, "--input-size", "32")
    assert "the ImageNet weights can't be downloaded from https://" in told
    assert not (tmp_path / "runs").exists()


def test_ctrl_c_keeps_what_is_done(base_run, flowers, tmp_path):
    command = [
        sys.executable, "-m", "dlcv", "extract", "--base", base_run.path, "--data", flowers,
        "--out", "features", "--batch-size", "1", "--threads", "1",
        "--preproc", "affine, aspect_aware(size=1500), simple(size=16), scale",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / ".features.part" / ".train.part.hdf5").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert process.returncode == 130
    assert "what is extracted so far is saved: the same command continues" in told
    assert not (tmp_path / "features").exists()
    assert json.loads((tmp_path / ".features.part" / "progress.json").read_text())["train"] > 0
