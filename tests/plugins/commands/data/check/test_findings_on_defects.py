"""A data set with each defect: everything is found, and the good files are left alone."""

import defective
import pytest
from PIL import Image

from dlcv_plugins.commands.data.check.checkup import as_json, check_data


@pytest.fixture(scope="module")
def checkup(tmp_path_factory):
    return check_data(str(defective.write(tmp_path_factory.mktemp("defective"))), threads=2)


def names_by_finding(checkup):
    return {f.id: [[s.name for s in group] for group in f.groups] for f in checkup.findings}


EXPECTED = {
    "unreadable": (
        "error",
        "cut-and-closed-progressive.jpg cut-and-closed.jpg cut.jpg empty.png ppm.jpg text.jpg",
    ),
    "too-large": ("error", "bomb.png larger-bomb.png"),
    "wrong-extension": ("note", "really-png.jpg resized-dog.png"),
    "rotated": ("note", "turned.jpg"),
    "animated": ("warning", "animated.png animated.webp"),
    "transparent": ("warning", "see-through.png"),
    "more-than-8-bits": ("note", "deep.png"),
    "cmyk": ("note", "inks.jpg"),
    "blank": ("warning", "blank.png dot.png"),
    "tiny": ("warning", "dot.png"),
    "grey": ("note", "deep.png grey.jpg"),
    "elongated": ("note", "panorama.jpg"),
    "unread-images": ("warning", "phone.dng"),
    "strays": ("note", ".DS_Store notes.txt"),
}


@pytest.mark.parametrize("kind", EXPECTED)
def test_single_files_are_found(checkup, kind):
    severity, names = EXPECTED[kind]
    assert names_by_finding(checkup)[kind] == [[f"train/cat/{name}"] for name in names.split()]
    assert next(f.severity for f in checkup.findings if f.id == kind) == severity


COPIES = {
    "copies-across-splits": ("error", [["train/dog/00.jpg", "test/dog/exact.jpg"]]),
    "copies-with-different-labels": ("error", [["train/cat/exact-dog.jpg", "train/dog/01.jpg"]]),
    "copies": ("note", [["train/dog/02.jpg", "train/dog/exact.jpg"]]),
    "near-copies-across-splits": (
        "error",
        [
            ["train/dog/03.jpg", "test/dog/resized.jpg"],
            ["train/dog/04.jpg", "test/dog/mirrored.jpg"],
        ],
    ),
    "near-copies-with-different-labels": (
        "warning",
        [["train/cat/resized-dog.png", "train/dog/05.jpg"]],
    ),
}


@pytest.mark.parametrize("kind", COPIES)
def test_copies_are_found(checkup, kind):
    severity, groups = COPIES[kind]
    assert names_by_finding(checkup)[kind] == groups
    assert next(f.severity for f in checkup.findings if f.id == kind) == severity


def test_nothing_else_is_found(checkup):
    assert set(names_by_finding(checkup)) == {*EXPECTED, *COPIES, "images-without-class"}
    assert names_by_finding(checkup)["images-without-class"] == [["train/loose.png"]]


def test_the_worst_comes_first_and_each_says_what_to_do(checkup):
    severities = [finding.severity for finding in checkup.findings]
    assert severities == sorted(severities, key=["error", "warning", "note"].index)
    assert all(finding.advice for finding in checkup.findings)
    assert checkup.spoils_training


def test_details_say_what_is_wrong_with_each(checkup):
    details = {(f.id, s.name): s.detail for f in checkup.findings for s in f.samples}
    assert "damaged or cut off" in details["unreadable", "train/cat/cut.jpg"]
    assert details["unreadable", "train/cat/ppm.jpg"].startswith("is PPM, which isn't supported")
    assert details["wrong-extension", "train/cat/really-png.jpg"] == "is PNG"
    assert details["rotated", "train/cat/turned.jpg"] == "orientation 6"
    assert details["animated", "train/cat/animated.webp"] == "3 frames"
    assert details["elongated", "train/cat/panorama.jpg"] == "60 x 300"
    assert "10001 x 10000" in details["too-large", "train/cat/bomb.png"]


def test_the_figures_are_those_of_the_files(checkup):
    content = as_json(checkup)
    files = len(defective.FILES)
    assert content["images"] == {"train": 80 + files + 3, "test": 23}
    assert content["classes"]["dog"] == {"train": 41, "test": 13}
    assert content["largest_class"] == "cat"
    assert content["accuracy_of_guessing_it"] == pytest.approx((42 + files) / (83 + files))
    assert content["shapes"]["most_common"] == (60, 80)
    assert content["shapes"]["widths"] == (1, 80, 300)
    assert content["numbers"]["error"] == 5


def test_a_good_data_set_has_no_finding(tmp_path):
    for label in ("cat", "dog"):
        for number in range(30):
            image = defective.picture(number + (100 if label == "dog" else 0))
            path = tmp_path / label / f"{number}.jpg"
            defective.put(path, defective.encoded(image, "JPEG"))
    checkup = check_data(str(tmp_path), threads=1)
    assert checkup.findings == ()
    assert not checkup.spoils_training


def test_copies_in_a_set_that_is_not_divided_are_a_warning(tmp_path):
    for label, seed in (("cat", 0), ("dog", 100)):
        for number in range(31):
            image = defective.picture(seed + number % 30)
            defective.put(tmp_path / label / f"{number}.png", defective.encoded(image, "PNG"))
    found = [(f.id, f.severity, len(f.groups)) for f in check_data(str(tmp_path)).findings]
    assert found == [("copies", "warning", 2)]


def test_the_same_picture_is_the_same_in_any_format_and_grey_is_told_once_if_all_are(tmp_path):
    for label, seed in (("cat", 0), ("dog", 100)):
        for number in range(30):
            image = defective.picture(seed + number).convert("L")
            defective.put(tmp_path / label / f"{number}.png", defective.encoded(image, "PNG"))
    image = Image.open(tmp_path / "cat" / "3.png").convert("RGB")
    defective.put(tmp_path / "dog" / "as.bmp", defective.encoded(image, "BMP"))
    found = {f.id: f for f in check_data(str(tmp_path)).findings}
    assert set(found) == {"copies-with-different-labels", "grey"}
    assert found["grey"].sentence == "all images are grey, in three equal channels"
    assert found["grey"].groups == ()
