"""The look at every image before training."""

import numpy as np
import pytest
from in_memory import numbered, of_sizes

from dlcv.data.subset import survey
from dlcv.errors import ImageError
from dlcv_plugins.stores.folder import Folder


def photos_that_are_bad(photos):
    """A folder of photos of which one is cut off, one empty, and one no image."""
    root = photos(count=4)
    whole = (root / "blue" / "001.png").read_bytes()
    (root / "blue" / "001.png").write_bytes(whole[: len(whole) // 2])
    (root / "green" / "002.png").write_bytes(b"")
    (root / "red" / "000.png").write_text("no image")
    return root


def test_a_shape_that_the_store_knows_is_believed_and_nothing_read():
    images = numbered(10)
    found = survey(images, skip=False, threads=2)
    assert found.images is images
    assert images.reads == []


@pytest.mark.parametrize("threads", [1, 3])
def test_images_that_turn_out_to_agree_get_their_size(photos, threads):
    images = Folder(path=photos(size=(6, 9))).open("all")
    assert images.image_shape == (None, None, 3)
    found = survey(images, skip=False, threads=threads)
    assert found.images.image_shape == (6, 9, 3)
    assert found.skipped == []
    assert len(found.images) == 30


def test_images_of_many_sizes_stay_without_one():
    images = of_sizes(*((5 + n % 2, 7) for n in range(40)))
    assert survey(images, skip=False, threads=2).images.image_shape == (None, None, 3)
    assert sorted(images.reads) == list(range(40))


def test_a_bad_image_is_an_error_that_names_its_path(photos):
    root = photos_that_are_bad(photos)
    with pytest.raises(ImageError) as caught:
        survey(Folder(path=root).open("all"), skip=False, threads=2)
    # The first in order, whichever thread finds one first.
    assert str(caught.value).startswith(str(root / "blue" / "001.png"))
    assert "damaged" in str(caught.value)


def test_bad_images_are_left_out_and_told_on_request(photos):
    root = photos_that_are_bad(photos)
    images = Folder(path=root).open("all")
    found = survey(images, skip=True, threads=3)
    assert found.images.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    kept = [found.images.sample_id(i) for i in range(9)]
    bad = [root / "blue/001.png", root / "green/002.png", root / "red/000.png"]
    assert not {str(path) for path in bad} & set(kept)
    assert [reason.split(": ")[0] for reason in found.skipped] == [str(path) for path in bad]
    assert "is empty" in found.skipped[1]
    assert "no image" in found.skipped[2]
    np.testing.assert_array_equal(found.images.read([1])[0], images.read([2])[0])


def test_good_images_of_one_size_agree_whatever_the_bad_ones_are(photos):
    root = photos(size=(5, 5))
    (root / "red" / "000.png").write_bytes(b"")
    found = survey(Folder(path=root).open("all"), skip=True, threads=1)
    assert found.images.image_shape == (5, 5, 3)
