"""What was found out about image files is known until one of them changes."""

import os

import numpy as np
import pytest
from conftest import write_image

from dlcv.data.sources import find_store
from dlcv.data.subset import Subset, survey
from dlcv.errors import ImageError
from dlcv_plugins import user_cache


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.setenv("DLCV_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(user_cache, "WORTH_KEEPING_SECONDS", -1)
    for name in ("a", "b"):
        for number in range(3):
            image = np.zeros((4, 5 + number, 3), np.uint8)
            write_image(tmp_path / "photos" / name / f"{number}.png", image)
    return tmp_path / "photos"


def looked_at(photos, monkeypatch, *, chosen=None, skip=False):
    """Looks at images, and returns what was found and how many were read for it."""
    images = find_store(str(photos)).open("all")
    read = []
    original = images.read
    monkeypatch.setattr(images, "read", lambda indices: read.extend(indices) or original(indices))
    source = images if chosen is None else Subset(images, np.array(chosen))
    return survey(source, skip=skip, threads=2), len(read)


def test_images_are_read_once(photos, monkeypatch):
    first, count = looked_at(photos, monkeypatch)
    again, recount = looked_at(photos, monkeypatch)
    assert (count, recount) == (6, 0)
    assert again.images.image_shape == first.images.image_shape == (None, None, 3)
    assert again.images.fingerprint() == first.images.fingerprint()
    same, _ = looked_at(photos, monkeypatch, chosen=[0, 3])
    again, recount = looked_at(photos, monkeypatch, chosen=[0, 3])
    assert same.images.image_shape == again.images.image_shape == (4, 5, 3)
    assert recount == 0


@pytest.mark.parametrize("change", ["time", "length", "name"])
def test_a_change_has_all_read_again(photos, monkeypatch, change):
    looked_at(photos, monkeypatch)
    image = photos / "a" / "1.png"
    if change == "time":
        os.utime(image, ns=(1, 1))
    elif change == "length":
        write_image(image, np.zeros((9, 9, 3), np.uint8))
    else:
        image.rename(photos / "a" / "9.png")
    assert looked_at(photos, monkeypatch)[1] == 6


def test_a_bad_image_is_found_each_time(photos, monkeypatch):
    (photos / "b" / "0.png").write_bytes(b"none")
    for _ in range(2):
        found, count = looked_at(photos, monkeypatch, skip=True)
        assert (len(found.images), len(found.skipped), count) == (5, 1, 6)
    for _ in range(2):
        with pytest.raises(ImageError, match=r"b/0\.png: is no image"):
            looked_at(photos, monkeypatch)
