"""What a user wants predicted: paths become images."""

import numpy as np
import pytest

from dlcv.errors import DlcvError
from dlcv.runs.inputs import expand_paths, open_inputs


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return [str(root / name) for name in names]


def test_a_folder_stands_for_the_images_that_training_would_find(tmp_path):
    kept = touch(tmp_path / "set", "a.jpg", "b/c.PNG")
    touch(tmp_path / "set", ".hidden.png", ".cache/x.png", "__MACOSX/a.jpg", "notes.txt")
    touch(tmp_path / "other", "d.webp")
    (tmp_path / "set" / "link").symlink_to(tmp_path / "other")
    (tmp_path / "set" / "b" / "circle").symlink_to(tmp_path / "set")
    found = list(expand_paths([tmp_path / "set"]))
    assert found == [*kept, str(tmp_path / "set" / "link" / "d.webp")]


def test_files_are_taken_as_they_are_and_in_their_order(tmp_path):
    last, first, hidden = touch(tmp_path, "z.jpg", "a/1.jpg", ".hidden/2.txt")
    assert list(expand_paths([last, tmp_path / "a", hidden])) == [last, first, hidden]


def test_a_folder_whose_name_is_hidden_may_be_asked_for(tmp_path):
    inside = touch(tmp_path, ".new/1.jpg")
    assert list(expand_paths([tmp_path / ".new"])) == inside


@pytest.mark.parametrize(
    ("name", "message"),
    [("nowhere", "no such file or folder: "), ("empty", "empty holds no images")],
)
def test_what_holds_no_image_is_an_error(tmp_path, name, message):
    touch(tmp_path, "empty/notes.txt")
    with pytest.raises(DlcvError, match=message):
        open_inputs(tmp_path / name, channels=3)


def test_what_folders_and_patterns_share_comes_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    photos = [f"photos/{name}" for name in ("a/1.jpg", "a/2.jpg", "b/3.jpg", "b/4.jpg")]
    touch(tmp_path, *photos)
    assert sorted(expand_paths(["photos/**"])) == photos
    assert sorted(expand_paths(["photos", "photos/a", "photos/*/*.jpg"])) == photos
    assert list(expand_paths(["photos/b", "photos/b/3.jpg"])) == photos[2:]
    assert list(expand_paths(["photos/b/4.jpg", "photos/b"])) == [photos[3], photos[2]]


def test_a_file_that_is_named_twice_comes_twice(tmp_path):
    (one,) = touch(tmp_path, "1.jpg")
    assert list(expand_paths([one, one])) == [one, one]


@pytest.mark.parametrize("channels", [3, 4])
def test_a_color_image_is_no_row_of_grey_ones(channels):
    with pytest.raises(DlcvError, match=rf"1 channel, received .*\(24, 20, {channels}\), which"):
        open_inputs(np.zeros((24, 20, channels), np.uint8), channels=1)
