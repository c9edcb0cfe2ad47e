"""`dlcv inspect` as a process."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from fake_packages import run_python
from forked import dlcv

from dlcv import Run
from dlcv.errors import DlcvError
from dlcv_plugins.commands.inspect.command import inspect as command


def inspect(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return dlcv("inspect", *arguments, folder=folder)


def refusal(*arguments: str) -> str:
    """Returns the line that the command is refused with, in this process and folder."""
    result = CliRunner().invoke(command, arguments)
    assert isinstance(result.exception, DlcvError)
    assert result.stdout == ""
    assert "\n" not in str(result.exception)
    return str(result.exception)


def test_table_and_totals_are_those_of_the_lecture(tmp_path: Path) -> None:
    done = run_python(tmp_path, "-m", "dlcv", "inspect", "lecture_cnn")

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["index", "name", "class", "output", "parameters", "multiply-adds"]
    assert lines[1].split() == ["0", "images", "InputLayer", "32", "x", "32", "x", "3", "0", "0"]
    assert lines[2].split()[1:] == [
        "block1_conv1", "Conv2D", "32", "x", "32", "x", "32", "896", str(27 * 32 * 1024),
    ]  # fmt: skip
    assert "parameters     558,186: 558,186 are trained" in lines
    assert lines[-1] == "next  dlcv run --data FOLDER_OF_CLASS_FOLDERS --arch lecture_cnn"
    assert done.stderr == ""


def test_json_has_everything_and_options_count(tmp_path: Path) -> None:
    arguments = ("--classes", "7", "--input-size", "(20, 24)", "--channels", "1", "--json")
    done = inspect(tmp_path, "lenet(width=0.5)", *arguments, "--batch-size", "8")
    found = json.loads(done.stdout)

    names = [layer["name"] for layer in found["layers"]]
    assert names[0] == "images"
    assert found["layers"][0]["output_shape"] == [20, 24, 1]
    assert found["layers"][-1]["output_shape"] == [7]
    assert found["layers"][1]["inputs"] == ["images"]
    assert found["parameters"] == sum(layer["parameters"] for layer in found["layers"])
    hidden = 5 * 6 * 25 * 250 + 250
    assert found["parameters"] == (25 * 10 + 10) + (25 * 10 * 25 + 25) + hidden + (250 * 7 + 7)
    assert found["training_bytes"] == 16 * found["parameters"] + 8 * found["activation_bytes"]


def test_body_and_diagram(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ("--body", "--input-size", "64", "--diagram", "vgg.svg")
    done = inspect(tmp_path, "vgg16", *arguments)

    assert done.returncode == 0, done.stderr
    assert "parameters     14,714,688: 14,714,688 are trained" in done.stdout
    assert "predictions" not in done.stdout
    assert "diagram        vgg.svg" in done.stdout
    assert (tmp_path / "vgg.svg").read_text().startswith("<?xml")
    assert "--force" in refusal("vgg16", *arguments)


def test_run_is_inspected_as_it_is(
    base_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(base_run.path.parent, "runs", symlinks=True)
    done = inspect(tmp_path, "runs/latest")

    assert done.returncode == 0, done.stderr
    names = [line.split()[1] for line in done.stdout.splitlines()[1:5]]
    assert names == ["pixels", "scale", "conv1", "conv1_relu"]
    assert done.stdout.splitlines()[-1] == "next  dlcv evaluate runs/latest"
    assert "--classes: the run has decided that" in refusal("runs/latest", "--classes", "5")
    loaded = inspect(
        tmp_path, "lenet(width=0.2)", "--weights", "runs/latest", "--input-size", "16",
        "--classes", "5",
    )  # fmt: skip
    assert loaded.returncode == 0, loaded.stderr
    assert "begin with the weights of runs/latest" in loaded.stderr
    assert "at random: predictions" in loaded.stderr
    assert "loaded from    runs/latest" in loaded.stdout
    assert loaded.stdout.splitlines()[-1].endswith(
        "--arch 'lenet(width=0.2)' --initial-weights runs/latest"
    )
    body = json.loads(inspect(tmp_path, "runs/latest", "--body", "--json").stdout)
    assert body["layers"][-1]["name"] == "pool2"
    assert body["layers"][0]["output_shape"] == [16, 16, 3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["resnet65"],
            '"resnet65"; did you mean "resnet56"',
        ),
        (["photos"], "photos is no run, and no architecture either"),
        (["lenet(width=0)"], "width: expected float > 0, received 0"),
        (["lenet", "--input-size", "-3"], "--input-size: expected a number of pixels"),
        (["lenet", "--input-size", "big"], "--input-size: expected a number of pixels"),
        (["vgg16", "--input-size", "16"], "the smallest that it takes are 32 x 32"),
        (["runs/nothing"], "no such run: runs/nothing"),
        (["lenet", "--weights", "imagenet"], "Keras has no ImageNet weights for LeNet"),
        (["mobilenetv3small", "--weights", "nothing"], "no such file or run with weights: nothing"),
        (["lenet", "--weights", "nothing"], "no such file or run with weights: nothing"),
        (["lenet", "--diagram", "net.doc"], "net.doc: a diagram is one of .png, .svg, .pdf"),
        (["lenet", "--input-size", "2"], "the smallest input_size that it can take is 4"),
    ],
)
def test_mistakes_are_named(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()

    assert message in refusal(*arguments)
