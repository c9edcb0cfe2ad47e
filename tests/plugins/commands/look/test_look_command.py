"""`dlcv look`, as a user types it."""

import shutil

import pytest
from PIL import Image

import dlcv
from dlcv.cli.main import dlcv as dlcv_command
from dlcv.errors import DlcvError


@pytest.fixture(scope="module")
def folder(digits_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("look")
    for number, color in enumerate([(200, 20, 20), (20, 20, 200)]):
        (folder / "photos").mkdir(exist_ok=True)
        Image.new("RGB", (20, 20), color).save(folder / "photos" / f"{number}.png")
    shutil.copytree(digits_run.path, folder / "runs" / "small")
    dlcv.run(
        data="digits(size=8)", architecture="mlp(units=4)", optimizer="sgd", epochs=1, threads=1,
        fraction=0.1, name="flat", runs=folder / "runs",
    )  # fmt: skip
    return folder


@pytest.fixture
def look(folder, monkeypatch):
    """Calls the command in the folder."""
    monkeypatch.chdir(folder)
    return lambda *arguments: dlcv_command(["look", *arguments], standalone_mode=False)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["grad-cam", "runs/small", "photos", "--class", "7"], "photos/0.png: 7 "),
        (
            ["grad-cam", "runs/small", "--data", "digits(size=36)", "--count", "2", "--class", "1"],
            "digits[0]: 1 ",
        ),
        (["filters", "runs/small"], "4 filters of 5 x 5 pixels in conv1"),
        (
            ["feature-maps", "runs/small", "photos/0.png", "--layer", "pool2"],
            "10 maps of 9 x 9 places in pool2",
        ),
    ],
)
def test_writes_a_picture_and_replaces_none(arguments, told, folder, look, capsys):
    (folder / f"{arguments[0]}.png").unlink(missing_ok=True)
    look(*arguments)
    printed = capsys.readouterr().out
    assert told in printed
    picture = folder / f"{arguments[0]}.png"
    assert printed.endswith(f"picture  {picture.name}\n")
    assert min(Image.open(picture).size) > 100
    with pytest.raises(DlcvError, match="--force"):
        look(*arguments)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["grad-cam", "runs/small"], "name images, or a data set with --data, and not both"),
        (["grad-cam", "runs/small", "photos", "--count", "3"], "--split and --count choose among"),
        (["grad-cam", "runs/none", "photos"], "no such run: runs/none"),
        (["grad-cam", "runs/small", "https://a.org/b.jpg"], "https://a.org/b.jpg is an address"),
        (["grad-cam", "runs/small", "nothing"], "no such file or folder: nothing"),
        (["grad-cam", "runs/flat", "photos"], "mlp has no convolution"),
        (["filters", "runs/flat"], "mlp has no convolution"),
        (["filters", "runs/small", "--out", "a.txt"], "a.txt: pictures are written as"),
        (["feature-maps", "runs/small", "photos/0.png", "--layer", "pol2"], 'mean "pool2"'),
    ],
)
def test_bad_input_is_one_line(arguments, told, look):
    with pytest.raises(DlcvError) as refused:
        look(*arguments, "--force")
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)
