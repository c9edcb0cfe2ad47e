"""Parts of data sets, and images in memory."""

import numpy as np
import pytest
from in_memory import numbered

from dlcv.data.subset import ArrayImages, Subset, share_of


def test_a_subset_gives_the_images_asked_for_in_the_order_of_its_indices():
    subset = Subset(numbered(10, classes=3), np.array([7, 2, 5]))
    assert len(subset) == 3
    assert subset.labels.tolist() == [1, 2, 2]
    assert subset.read([2, 0, 0])[:, 0, 0, 0].tolist() == [5, 7, 7]
    assert subset.sample_id(1) == "image-2.png"
    assert subset.label_names == ("a", "b", "c")
    assert subset.image_shape == (4, 4, 3)


def test_a_subset_of_a_subset_counts_within_the_first():
    inner = Subset(numbered(10), np.array([9, 4, 1]))
    outer = Subset(inner, np.array([2, 0]), (None, None, 3))
    assert outer.read([0, 1])[:, 0, 0, 0].tolist() == [1, 9]
    assert outer.sample_id(1) == "image-9.png"
    assert outer.image_shape == (None, None, 3)


def test_fingerprints_tell_what_was_taken_and_from_what():
    images = numbered(10)
    taken = [np.array([1, 2]), np.array([2, 1]), np.array([1, 2, 3])]
    fingerprints = [Subset(images, indices).fingerprint() for indices in taken]
    assert len(set(fingerprints)) == 3
    assert Subset(images, np.array([1, 2])).fingerprint() == fingerprints[0]
    assert Subset(numbered(11), np.array([1, 2])).fingerprint() != fingerprints[0]


@pytest.mark.parametrize(
    ("share", "expected"), [(0.1, [4, 4]), (0.25, [10, 10]), (1.0, [40, 40]), (0.001, [1, 1])]
)
def test_a_share_has_as_much_of_every_class_and_at_least_one(share, expected):
    part = share_of(numbered(80, classes=2), share, seed=1)
    assert np.bincount(part.labels).tolist() == expected
    assert part.indices.tolist() == sorted(set(part.indices.tolist()))


def test_a_larger_share_holds_a_smaller_one_and_another_seed_has_others():
    images = numbered(200, classes=4)
    small, large, other = (share_of(images, *of) for of in ((0.1, 5), (0.3, 5), (0.1, 6)))
    assert set(small.indices) < set(large.indices)
    assert set(small.indices) != set(other.indices)


@pytest.mark.parametrize(
    ("sizes", "expected"), [([(3, 5), (3, 5)], (3, 5, 1)), ([(3, 5), (5, 3)], (None, None, 1))]
)
def test_arrays_have_a_shape_where_they_agree(sizes, expected):
    arrays = [np.zeros((*size, 1), np.uint8) for size in sizes]
    images = ArrayImages(arrays, ["x", "y"])
    assert images.image_shape == expected
    assert len(images) == 2
    assert images.sample_id(1) == "y"
    assert [image.shape[:2] for image in images.read([1, 0])] == sizes[::-1]


def test_arrays_fingerprints_tell_their_pixels():
    arrays = np.zeros((2, 4, 4, 3), np.uint8)
    changed = arrays.copy()
    changed[1, 3, 3, 2] = 1
    names = ["x", "y"]
    fingerprints = [ArrayImages(a, names).fingerprint() for a in (arrays, changed, arrays.copy())]
    assert fingerprints[0] == fingerprints[2] != fingerprints[1]
