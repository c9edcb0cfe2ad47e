"""`dlcv data check` through real processes: its words, its codes, its page."""

import html.parser
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from forked import dlcv

ROOT = Path(__file__).parents[5]


def check(folder, *arguments):
    return dlcv("data", "check", *arguments, folder=folder)


class Page(html.parser.HTMLParser):
    """What a browser would see in a page: elements, addresses, text."""

    def __init__(self, path):
        super().__init__()
        self.elements, self.addresses, self.text = [], [], ""
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "srcset")]

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def leaking(photos, tmp_path):
    """Two splits that share an image; a truncated file."""
    for split, count in (("train", 30), ("test", 6)):
        photos(count=count, name=f"set/{split}", size=(40, 40))
    root = tmp_path / "set"
    rng = np.random.default_rng(1)
    for number, path in enumerate(sorted(root.glob("*/*/*.png"))):
        path.write_bytes(picture(rng.integers(0, 256, (5, 5, 3), np.uint8)))
        assert number < 200
    shutil.copy(root / "train/red/000.png", root / "test/red/copied.png")
    cut = root / "train/blue/000.png"
    cut.write_bytes(cut.read_bytes()[:-60])
    return root


def picture(blots):
    large = cv2.resize(blots, (40, 40), interpolation=cv2.INTER_CUBIC)
    return cv2.imencode(".png", large)[1].tobytes()


def test_it_says_what_is_wrong_and_what_to_do_and_exits_with_1(leaking, tmp_path):
    done = check(tmp_path, "set", "--threads", "2")
    assert done.returncode == 1, done.stderr
    assert done.stdout == (
        "images   109 (train 90, test 19)\n"
        "classes  3; always guessing blue is right for 33.33 %\n"
        "sizes    40 x 40, all\n"
        "found    2 errors, 0 warnings, 0 notes\n"
        "\n"
        "error    2 images, in 1 group, are identical to images of another split\n"
        "           train/red/000.png = test/red/copied.png\n"
        "         remove them from one of the splits, best from training (dlcv data build "
        "--drop-duplicates does): a network that was trained on test images scores better than it "
        "is\n"
        "\n"
        "error    1 image can't be read completely\n"
        "           train/blue/000.png: can't be decoded completely; it is damaged or cut off\n"
        "         download or copy the files again, or remove them; --bad-images skip leaves them "
        "out of a run\n"
        "\n"
        "look   dlcv data check set --report check.html\n"
    )
    assert done.stderr == "set: recognized as folder\n"


def test_a_good_set_exits_with_0_and_leads_to_training(leaking, tmp_path):
    (leaking / "train/blue/000.png").unlink()
    (leaking / "test/red/copied.png").unlink()
    done = check(tmp_path, "set")
    assert done.returncode == 0
    assert "found    0 errors, 0 warnings, 1 note\n" not in done.stdout
    assert done.stdout.splitlines()[-1] == "train  dlcv run --data set"
    quiet = check(tmp_path, "set", "--quiet")
    assert (quiet.returncode, quiet.stderr) == (0, "")
    # The findings, without the empty line and the commands after them.
    assert quiet.stdout.splitlines() == done.stdout.splitlines()[:-3]


def test_json_lists_every_image_concerned(leaking, tmp_path):
    done = check(tmp_path, "set", "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["images"] == {"train": 90, "test": 19}
    assert found["numbers"] == {"error": 2, "warning": 0, "note": 0}
    by_id = {finding["id"]: finding for finding in found["findings"]}
    assert set(by_id) == {"unreadable", "copies-across-splits"}
    assert by_id["copies-across-splits"]["groups"] == [
        [
            {"name": "train/red/000.png", "split": "train", "label": "red", "index": 60,
             "detail": ""},
            {"name": "test/red/copied.png", "split": "test", "label": "red", "index": 18,
             "detail": ""},
        ]
    ]  # fmt: skip


def test_the_page_stands_alone(leaking, tmp_path):
    done = check(tmp_path, "set", "--report", "a/check.html")
    assert done.returncode == 1
    assert "page   a/check.html" in done.stdout.splitlines()
    page = Page(tmp_path / "a/check.html")
    assert len(page.addresses) == 2
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert page.elements.count("script") == 1
    assert not {"link", "iframe", "object"} & set(page.elements)
    content = (tmp_path / "a/check.html").read_text()
    assert "http:" not in content.replace("http-equiv", "")
    assert "https:" not in content
    for text in ("109", "copies-across-splits", "test/red/copied.png", "no picture", "33.33 %"):
        assert text in page.text


def test_names_can_not_add_elements_to_the_page(leaking, tmp_path):
    hostile = "<script>alert(1)<x>&amp;\"'"
    (leaking / "train/red").rename(leaking / "train" / hostile)
    (leaking / "test/red").rename(leaking / "test" / hostile)
    (leaking / f"train/{hostile}/001.png").rename(leaking / f"train/{hostile}/<img src=x>.png")
    (leaking / f"train/{hostile}/<img src=x>.png").write_bytes(b"")
    done = check(tmp_path, "set", "--report", "check.html")
    assert done.returncode == 1
    page = Page(tmp_path / "check.html")
    assert page.elements.count("script") == 1
    assert "x" not in page.addresses
    assert hostile in page.text
    assert f"train/{hostile}/<img src=x>.png" in page.text


def test_names_that_would_garble_a_terminal_are_shown_harmlessly(leaking, tmp_path):
    (leaking / "train/red/\x1b[2J\n.png").write_bytes(b"")
    odd = os.fsencode(leaking / "train/red") + b"/\xff.png"
    os.rename(leaking / "train/red/001.png", odd)
    os.truncate(odd, 50)
    (leaking / "test/blue").rename(leaking / "test/b\rlue")
    done = check(tmp_path, "set", "--report", "check.html")
    assert done.returncode == 1, done.stderr
    assert not {"\x1b", "\r"} & set(done.stdout)
    assert "train/red/\ufffd[2J\ufffd.png: is empty" in done.stdout
    assert "train/red/\ufffd.png: " in done.stdout
    assert "differ in the classes b\ufffdlue, blue" in done.stdout
    found = json.loads(check(tmp_path, "set", "--json").stdout)["findings"]
    names = {sample["name"] for f in found for group in f["groups"] for sample in group}
    # As Python reads it, so that it leads to the file.
    assert os.fsdecode(b"train/red/\xff.png") in names


def test_a_page_is_not_overwritten(leaking, tmp_path):
    (tmp_path / "check.html").write_text("mine")
    done = check(tmp_path, "set", "--report", "check.html")
    assert (done.returncode, done.stdout) == (2, "")
    assert "check.html exists already" in done.stderr
    assert "recognised" not in done.stderr
    assert (tmp_path / "check.html").read_text() == "mine"
    assert check(tmp_path, "set", "--report", "check.html", "--force").returncode == 1
    assert (tmp_path / "check.html").read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["nowhere"], "no such file or folder: nowhere"), (["set", "--threads", "0"], "--threads")],
)
def test_what_can_not_be_checked_is_one_line(leaking, tmp_path, arguments, message):
    done = check(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith("dlcv: ")
    assert message in done.stderr


def test_packed_sets_are_checked_for_what_applies(leaking, tmp_path):
    (leaking / "train/blue/000.png").unlink()
    build = ("data", "build", "set", "--out", "packed", "--size", "40", "--quiet")
    assert dlcv(*build, folder=tmp_path).returncode == 0
    done = check(tmp_path, "packed", "--json", "--report", "check.html")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)["findings"]
    (copies,) = [finding for finding in found if finding["id"] == "copies-across-splits"]
    splits = {sample["split"] for sample in copies["groups"][0]}
    assert "test" in splits
    assert len(splits) == 2
    assert copies["groups"][0][0]["name"].startswith(f"{copies['groups'][0][0]['split']}.hdf5[")
    assert len(Page(tmp_path / "check.html").addresses) == 2


def test_a_damaged_split_is_a_finding_and_the_others_are_checked(leaking, tmp_path):
    (leaking / "train/blue/000.png").unlink()
    build = ("data", "build", "set", "--out", "packed", "--size", "40", "--quiet")
    assert dlcv(*build, folder=tmp_path).returncode == 0
    os.truncate(tmp_path / "packed/test.hdf5", 1000)
    done = check(tmp_path, "packed")
    assert done.returncode == 1
    assert "error    the split test can't be used: " in done.stdout
    assert "(train " in done.stdout


def test_classes_that_differ_are_a_finding(leaking, tmp_path):
    (leaking / "test/blue").rename(leaking / "test/Blue")
    done = check(tmp_path, "set")
    assert done.returncode == 1
    assert "error    the splits train and test differ in the classes Blue, blue\n" in done.stdout


def test_the_wheel_holds_every_module_and_the_templates(tmp_path):
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", tmp_path, ROOT]
    done = subprocess.run(build, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = wheel.namelist()
    for name in ("base.html", "check.html", "style.css"):
        assert f"dlcv_plugins/pages/{name}" in names
    # A folder that .gitignore names would be left out.
    modules = {
        str(path.relative_to(ROOT / folder))
        for folder in ("core", "plugins")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert modules <= set(names)


def test_real_photos_hold_copies_across_splits(real_data, tmp_path):
    """25 pairs in flowers12, one of them mirrored; all of them were looked at."""
    done = check(tmp_path, real_data / "flowers12", "--json")
    assert done.returncode == 1
    found = {finding["id"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert set(found) == {"near-copies-across-splits", "near-copies", "copies", "strays"}
    pairs = [[s["name"] for s in g] for g in found["near-copies-across-splits"]["groups"]]
    assert len(pairs) == 25
    assert ["train/bluebell/image_0242.jpg", "test/bluebell/image_0243.jpg"] in pairs
