"""`dlcv data show` and `dlcv data advise` through real processes."""

import json
import os
import shlex
import shutil

import cv2
import numpy as np
import pytest
from forked import dlcv as forked

from dlcv.registry import installed_bases


def dlcv(folder, *arguments, **variables):
    return forked(*arguments, folder=folder, variables=variables)


def write_image(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


def image_of(size):
    return np.full((*size, 3), 90, np.uint8)


def facts(output):
    """The lines after the tables, by their names."""
    pairs = [line.split("  ", 1) for line in output.splitlines() if "  " in line]
    return {name: value.strip() for name, value in pairs}


def test_show_prints_what_is_there_draws_it_and_names_the_next_command(photos, tmp_path):
    photos(size=(20, 30))
    done = dlcv(tmp_path, "data", "show", "photos")
    assert done.returncode == 0, done.stderr
    assert "photos: recognized as folder" in done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[:6] == [
        ["split", "images"], ["all", "30"], [],
        ["class", "all"], ["blue", "10"], ["green", "10"],
    ]  # fmt: skip
    shown = facts(done.stdout)
    assert shown["images read"] == "all 30 images of all"
    assert shown["shape"] == "20 x 30 x 3"
    assert shown["labels"] == "class by class; a run shuffles them"
    assert shown["values"].startswith("uint8, from 0 to 2")
    assert shown["picture"] == "photos-images.png"
    assert lines[-1] == ["advice", "dlcv", "data", "advise", "photos"]
    picture = cv2.imread(str(tmp_path / "photos-images.png"))
    assert min(picture.shape[:2]) > 300


def test_sizes_that_differ_are_summed_up(tmp_path):
    for number, size in enumerate([(8, 6), (8, 6), (5, 9), (7, 7)]):
        write_image(tmp_path / "photos" / "ab"[number % 2] / f"{number}.png", image_of(size))
    shown = facts(dlcv(tmp_path, "data", "show", "photos").stdout)["shape"]
    rest = "3 shapes in all, from 5 to 8 high and 6 to 9 wide"
    assert shown == f"8 x 6 x 3 most often (2 images); {rest}"
    (tmp_path / "photos" / "a" / "0.png").unlink()
    shown = facts(dlcv(tmp_path, "data", "show", "photos", "--force").stdout)["shape"]
    assert shown == f"no two the same; {rest}"


def test_show_prints_how_packed_data_was_made(photos, tmp_path):
    photos(count=20)
    built = dlcv(
        tmp_path, "data", "build", "photos", "--out", "packed", "--size", "8",
        "--train-validation", "0.1",
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    assert (tmp_path / "packed" / "train_val.hdf5").is_file()
    done = dlcv(tmp_path, "data", "show", "packed", "--split", "train_val", "--out", "x/y.png")
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert rows[1:5] == [["train", "36"], ["train_val", "6"], ["val", "6"], ["test", "12"]]
    shown = facts(done.stdout)
    assert shown["packed from"].startswith("folder(path=")
    assert shown["through"] == "aspect_aware(size=8, interpolation=area, final_resize=False)"
    assert (
        shown["divided by"]
        == "test 0.2, validation 0.1, train_validation 0.1, small_classes train, "
        "groups duplicates, method stratified, seed 42"
    )
    assert shown["images read"] == "all 6 images of train_val"
    assert shown["training mean"].startswith("R ")
    assert (tmp_path / "x" / "y.png").is_file()


def test_labels_that_lie_mixed_are_listed(photos, tmp_path):
    photos(count=3)
    rows = ["photos/red/000.png,red", "photos/red/001.png,red", "photos/blue/000.png,blue"]
    (tmp_path / "t.csv").write_text("\n".join(["path,label", *rows, "photos/red/002.png,red"]))
    done = dlcv(tmp_path, "data", "show", "t.csv")
    assert facts(done.stdout)["labels"] == "mixed; the first are 2 x red, blue, red"


def test_the_picture_does_not_become_a_part_of_the_data(photos, tmp_path):
    root = photos()
    before = sorted(root.rglob("*"))
    done = dlcv(root, "data", "show", ".")
    assert done.returncode == 0, done.stderr
    assert facts(done.stdout)["picture"].startswith("not drawn: ")
    assert sorted(root.rglob("*")) == before


def test_class_names_that_are_no_text_garble_nothing(photos, tmp_path):
    root = os.fsencode(photos(count=5))
    os.rename(root + b"/red", root + b"/caf\xe9")
    os.rename(root + b"/blue", root + b"/\x1b[31m\n")
    shown = dlcv(tmp_path, "data", "show", "photos")
    assert shown.returncode == 0, shown.stderr
    assert "\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}" in shown.stdout
    assert "\x1b" not in shown.stdout
    built = dlcv(tmp_path, "data", "build", "photos", "--out", "x", "--size", "8")
    assert built.returncode == 2
    assert "holds control characters, or bytes that are no text" in built.stderr
    assert "\x1b" not in built.stderr


def test_a_picture_is_not_replaced_without_force(photos, tmp_path):
    photos(count=3)
    picture = tmp_path / "photos-images.png"
    picture.write_text("mine")
    for arguments in ((), ("--out", "photos-images.png")):
        refused = dlcv(tmp_path, "data", "show", "photos", *arguments)
        assert refused.returncode == 2
        assert refused.stderr.startswith("dlcv: photos-images.png exists already")
        assert "--force" in refused.stderr
        assert refused.stdout == ""
    assert dlcv(tmp_path, "data", "show", "photos", "--json").returncode == 0
    assert picture.read_text() == "mine"
    assert dlcv(tmp_path, "data", "show", "photos", "--force").returncode == 0
    assert cv2.imread(str(picture)) is not None


def test_json_is_all_that_is_printed_and_draws_nothing_unasked(photos, tmp_path):
    root = photos(count=4)
    (root / "red" / "001.png").write_bytes(b"")
    done = dlcv(tmp_path, "data", "show", "photos", "--json", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["images_by_class"] == {"all": {"blue": 4, "green": 4, "red": 4}}
    assert found["unreadable"] == [f"{root}/red/001.png: is empty"]
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "photo"], "no such file or folder: photo"),
        (["advise", "photo"], "no such file or folder: photo"),
        (["show", "photos", "--split", "test"], 'the data has no split "test"; it has all'),
        (["show", "photos/red"], "photos/red: no data set is recognized there"),
        (["advise", "folder(path=one)"], "has fewer than two classes"),
        (["show", "broken"], "broken/red/0.png: is empty"),
        (["show", "photos", "--out", "photos/red/000.png/x.png"], "photos/red/000.png"),
        (["show", "photos", "--out", "picture.docx"], "picture.docx"),
    ],
)
def test_mistakes_are_one_line(photos, tmp_path, arguments, message):
    root = photos(count=3)
    shutil.copytree(root / "red", tmp_path / "one" / "red")
    (tmp_path / "broken" / "red").mkdir(parents=True)
    (tmp_path / "broken" / "red" / "0.png").write_bytes(b"")
    done = dlcv(tmp_path, "data", *arguments)
    assert done.returncode == 2, done.stdout
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("dlcv: ")
    assert message in done.stderr.splitlines()[-1]
    assert not list(tmp_path.glob("*.docx"))


def test_advise_needs_images_to_train_on(photos, tmp_path):
    photos(count=1)
    rows = ["photos/red/000.png,red,val", "photos/blue/000.png,blue,test"]
    (tmp_path / "t.csv").write_text("\n".join(["path,label,split", *rows]))
    done = dlcv(tmp_path, "data", "advise", "t.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("t.csv has no images to train on; it has val, test only\n")


def test_advise_gives_reasons_sources_and_a_command(photos, tmp_path):
    photos(count=20, name="my photos")
    done = dlcv(tmp_path, "data", "advise", "my photos", COLUMNS="90")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "60 images of 3 classes to train on or to divide"
    commands = [line for line in lines if line.startswith("  dlcv ")]
    assert max(len(line) for line in lines if line not in commands) <= 90
    shown = facts(done.stdout)
    assert shown["batch size"] == "16"
    assert shown["validation"] == "no share is enough: collect more of blue"
    assert "(transfer-learning guide)" in done.stdout
    # Sources are listed in full, so that a reader finds them.
    assert "Practitioner Bundle, 2017" in " ".join(done.stdout.split())
    assert {"strategy, if similar", "strategy, if different"} <= set(shown)
    # Few images: a pretrained network first. Without one that is installed, Keras fetches one's.
    fitted, pretrained, scratch = map(shlex.split, commands)
    base = [] if installed_bases() else ["--base", "vgg16", "--weights", "imagenet"]
    assert fitted == ["dlcv", "transfer", "--data", "my photos", *base]
    assert pretrained == [
        *("dlcv", "finetune", "--data", "my photos"), *base, "--batch-size", "16"
    ]  # fmt: skip
    assert scratch[:6] == ["dlcv", "run", "--data", "my photos", "--arch", "minivggnet"]
    only = facts(dlcv(tmp_path, "data", "advise", "my photos", "--different").stdout)
    assert only["strategy"].startswith("a linear model on features from earlier layers")


def test_an_advised_command_trains(photos, tmp_path):
    """Not to its end: one epoch at a small size, so that it takes no time."""
    photos(count=50)
    done = dlcv(tmp_path, "data", "advise", "photos", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["images"], found["classes"]) == (150, 3)
    assert found["guess"] == pytest.approx(1 / 3)
    assert {"topic", "advice", "reason", "source", "options"} == set(found["advice"][0])
    assert found["command"] == found["commands"][0]
    command = shlex.split(found["commands"][-1])
    assert command[command.index("--validation") + 1] == "0.3"
    fast = ("--epochs", "1", "--input-size", "8", "--threads", "1", "--name", "advised")
    trained = dlcv(tmp_path, *command[1:], *fast)
    assert trained.returncode == 0, trained.stderr
    # Following the advice leaves nothing to warn of.
    assert "warning" not in trained.stderr
    assert (tmp_path / "runs" / "advised" / "metrics.json").is_file()


@pytest.mark.parametrize("name", ["flowers12", "cifar10", "tiny-imagenet-20"])
def test_real_data_sets_are_shown(real_data, tmp_path, name):
    done = dlcv(tmp_path, "data", "show", real_data / name, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (
        found["images"]
        == {
            "flowers12": {"train": 720, "test": 240},
            "cifar10": {"train": 50_000, "test": 10_000},
            "tiny-imagenet-20": {"train": 10_000, "val": 1000},
        }[name]
    )
    if name == "cifar10":
        # The means of CIFAR-10's training images, as commonly published; 1,000 were looked at.
        assert found["mean"] == pytest.approx({"R": 125.3, "G": 123.0, "B": 113.9}, abs=3)
