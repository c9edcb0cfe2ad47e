"""Where `dlcv data show` writes its picture if nothing is said of it."""

from pathlib import Path

import pytest

from dlcv_plugins.commands.data.show.command import _default_picture


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("photos", "photos-images.png"),
        ("a/my photos, old", "my photos_ old-images.png"),
        ("a/packed.hdf5", "packed-images.png"),
        ("digits(size=16)", "digits-images.png"),
        ("s3://bucket/photos", "photos-images.png"),
        ("s3://bucket/photos/", "photos-images.png"),
        ("s3://bucket", "bucket-images.png"),
        ("https://host/a/photos.zip?version=2", "photos.zip_version_2-images.png"),
        ("a/{0..3}.tar", "_0..3_.tar-images.png"),
    ],
)
def test_a_picture_lies_here_under_the_last_part_of_the_data(tmp_path, monkeypatch, data, expected):
    monkeypatch.chdir(tmp_path)
    for path in ("photos", "a/my photos, old", "a/packed.hdf5"):
        (tmp_path / path).mkdir(parents=True)
    assert _default_picture(data) == Path(expected)


def test_within_the_data_no_picture_is_drawn(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert _default_picture(".") is None
    assert _default_picture("..") is None
