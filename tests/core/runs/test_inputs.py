"""What a user wants predicted: paths become images."""

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
