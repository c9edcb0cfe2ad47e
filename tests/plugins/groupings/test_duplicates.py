"""Copies stay together; images that merely look alike, or show nothing, do not."""

import logging

import defective
import numpy as np
import pytest
from in_memory import InMemory
from PIL import Image

from dlcv import registry
from dlcv.api import open_dataset
from dlcv.config import SplitConfig
from dlcv_plugins import user_cache
from dlcv_plugins.groupings.duplicates import LARGEST_SHARE, Duplicates


class Held(InMemory):
    """Images whose fingerprint is that of their pixels."""

    def fingerprint(self):
        return repr([hash(image.tobytes()) for image in self.images])


def ids(images, labels=None, names=("a", "b"), **options):
    held = Held(images, np.arange(len(images)) % 2 if labels is None else labels, names)
    return Duplicates(**options).group_ids(held, None, threads=2)


def groups(*arguments, **options):
    found = ids(*arguments, **options)
    several = [np.flatnonzero(found == i).tolist() for i in dict.fromkeys(found.tolist())]
    return [group for group in several if len(group) > 1]


def pictures(*seeds, size=(60, 80)):
    return [np.asarray(defective.picture(seed, size)) for seed in seeds]


def test_identical_resized_and_mirrored_images_are_one_group():
    first, second, *others = pictures(*range(20))
    half = np.asarray(Image.fromarray(first).resize((40, 30)))
    images = [first, *others, first.copy(), half, second, second[:, ::-1]]
    assert groups(images) == [[0, 19, 20], [21, 22]]


def test_different_images_and_images_of_nothing_are_none():
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (20, 20, 3), np.uint8) for _ in range(40)]
    blank = [np.full((20, 20, 3), value, np.uint8) for value in (0, 7, 255) for _ in range(20)]
    gradient = [np.tile(np.arange(20, dtype=np.uint8)[:, None, None], (1, 20, 3)) + 9]
    assert groups([*pictures(*range(60)), *noise, *blank, *gradient]) == []


def test_small_images_are_one_group_only_if_they_are_identical():
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (8, 8, 1), np.uint8) for _ in range(20)]
    assert groups([*images, images[3] + 1, images[4]]) == [[4, 21]]


def test_handwritten_digits_are_not_copies_of_each_other():
    """At the correlation that tells copies of photos, more than half are like another."""
    digits = registry.create("store", "digits(size=36)").open("all")
    assert len(set(Duplicates().group_ids(digits, None, threads=2))) == len(digits)


def test_a_chain_of_images_that_are_alike_does_not_become_one_group():
    """Each frame is like the next one, and the last like the first not at all."""
    start, end = (image.astype(float) for image in pictures(1, 2))
    chain = [(start + (end - start) * t).astype(np.uint8) for t in np.linspace(0, 1, 100)]
    others = pictures(*range(10, 400))
    found = groups([*chain, *others])
    largest = int(LARGEST_SHARE * 490)
    assert found == [[*range(i, min(i + largest, 100))] for i in range(0, 100, largest)]


def test_a_class_of_copies_alone_is_divided_all_the_same(caplog):
    first, *others = pictures(*range(30))
    images, labels = [*[first] * 20, *others], [0] * 20 + [1] * 29
    with caplog.at_level(logging.INFO):
        assert groups(images, labels) == []
    assert 'the class "a" is 20 images, most of them copies of each other' in caplog.text


def test_images_that_can_not_be_read_stay_on_their_own():
    images = pictures(*range(10))
    held = Held([*images, images[0], images[1]], [0, 1] * 6, broken={0, 10})
    found = Duplicates().group_ids(held, None, threads=1)
    assert len(set(found.tolist())) == 11
    assert found[1] == found[11]


def test_the_options_decide_what_is_nearly_the_same():
    first, *others = pictures(*range(12))
    copy = np.asarray(Image.fromarray(first).resize((20, 15)).resize((80, 60)))
    assert groups([first, *others, copy]) == [[0, 12]]
    assert groups([first, *others, copy], correlation=1.0) == []


def test_a_cache_folder_that_can_not_be_is_no_reason_to_stop(tmp_path, monkeypatch):
    monkeypatch.setattr(user_cache, "WORTH_KEEPING_SECONDS", -1)
    monkeypatch.setenv("DLCV_CACHE", str(tmp_path / ("x" * 5000)))
    found = user_cache.kept("any", "key", lambda: {"a": np.arange(3)}, most=1)
    assert found["a"].tolist() == [0, 1, 2]


def test_what_took_long_is_kept_until_the_images_change(tmp_path, monkeypatch):
    monkeypatch.setenv("DLCV_CACHE", str(tmp_path))
    images = [*pictures(*range(9)), *pictures(0)]

    def read(images):
        held = Held(images, [0, 1] * 5)
        assert Duplicates().group_ids(held, None, threads=1).tolist() == expected
        return len(held.reads)

    expected = [*range(9), 0]
    assert [read(images), read(images)] == [10, 10]
    monkeypatch.setattr(user_cache, "WORTH_KEEPING_SECONDS", -1)
    assert [read(images), read(images)] == [10, 0]
    images[8], expected = images[1], [*range(8), 1, 0]
    assert [read(images), read(images)] == [10, 0]
    (damaged, _) = sorted(tmp_path.rglob("*.npz"))
    for file in tmp_path.rglob("*.npz"):
        file.write_bytes(b"damaged")
    assert [read(images), read(images)] == [10, 0]
    assert len(damaged.read_bytes()) > 0


def test_a_division_keeps_copies_on_one_side_and_none_of_it_does_not(tmp_path):
    for seed in range(60):
        folder = tmp_path / "ab"[seed % 2]
        folder.mkdir(exist_ok=True)
        image = defective.picture(seed)
        image.save(folder / f"{seed}.png")
        if seed % 3 == 0:
            image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / f"copy-{seed}.png")
    store = registry.create("store", f'folder(path="{tmp_path}")')

    def across(**options):
        data = open_dataset(store, SplitConfig(**options))
        sides = {
            images.sample_id(i): split
            for split, images in data.splits.items()
            for i in range(len(images))
        }
        return sum(
            sides[name] != sides[name.replace("copy-", "")] for name in sides if "copy-" in name
        )

    assert [across(seed=seed, groups="duplicates") for seed in range(4)] == [0] * 4
    assert sum(across(seed=seed, groups="none") for seed in range(4)) > 0


@pytest.mark.parametrize("value", ["distance=65", "correlation=0.0"])
def test_impossible_options_are_refused(value):
    with pytest.raises(Exception, match=value.partition("=")[0]):
        registry.create("grouping", f"duplicates({value})")
