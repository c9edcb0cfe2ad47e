"""What is reported of a data set: counts, sizes and values of known images, and which are drawn."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_memory import InMemory, numbered, of_sizes

from dlcv.errors import DlcvError, ImageError
from dlcv.interfaces import DatasetStore, plugin
from dlcv_plugins.commands.data.show import overview
from dlcv_plugins.commands.data.show.overview import examples, overview_of, pixels_of
from dlcv_plugins.stores.folder import Folder


@plugin
class Splits(DatasetStore):
    """Holds the splits that a test gives it."""

    def splits(self):
        return tuple(self.opened)

    def open(self, split):
        return self.opened[split]

    @classmethod
    def of(cls, **opened):
        store = cls()
        object.__setattr__(store, "opened", opened)
        return store


@pytest.fixture
def spec(monkeypatch):
    """Lets a store that is not registered have a name."""
    monkeypatch.setattr(overview.registry, "spec_of", lambda store: "splits")


def test_images_are_counted_by_split_and_class(photos, tmp_path):
    photos(name="set/train", count=5)
    photos(name="set/test", classes=("blue", "red"), count=2)
    found = overview_of(Folder(path=tmp_path / "set"))
    assert found.totals == {"train": 15, "test": 4}
    assert found.by_class == {"blue": (5, 2), "green": (5, 0), "red": (5, 2)}
    assert found.split == "train"
    assert found.first_labels == ["blue"] * 5 + ["green"] * 5
    assert found.packed == {}
    assert found.store == f'folder(path="{tmp_path}/set", color_mode=rgb)'


def test_another_split_is_read_on_request(spec):
    store = Splits.of(train=numbered(6, size=(4, 4)), val=numbered(4, size=(7, 5)))
    found = overview_of(store, "val")
    assert found.split == "val"
    assert found.pixels.shapes == {(7, 5, 3): 4}
    with pytest.raises(DlcvError, match='the data has no split "test"; it has train, val'):
        overview_of(store, "test")


def test_values_are_those_of_the_pixels():
    dark = np.zeros((2, 2, 3), np.uint8)
    dark[..., 0] = 40
    light = np.full((4, 2, 3), 200, np.uint8)
    light[0, 0] = 255, 8, 200
    found = pixels_of(InMemory([dark, light, dark]), threads=2)
    assert (found.low, found.high, found.dtypes) == (0, 255, ["uint8"])
    # The mean of the images' means, whatever their sizes.
    expected = {"R": (40 + 206.875 + 40) / 3, "G": 176 / 3, "B": 200 / 3}
    assert found.mean == pytest.approx(expected)
    assert list(found.shapes.items()) == [((2, 2, 3), 2), ((4, 2, 3), 1)]


def test_grey_images_have_one_mean():
    assert pixels_of(numbered(3, channels=1), threads=1).mean == {"grey": 1.0}


def test_of_many_images_some_are_read_spread_over_the_split():
    images = numbered(5000)
    found = pixels_of(images, threads=1)
    assert found.looked_at == 1000
    assert len(set(images.reads)) == len(images.reads) == 1000
    assert (min(images.reads), max(images.reads)) == (0, 4999)
    assert np.diff(sorted(images.reads)).max() <= 6


def test_of_few_images_all_are_read():
    images = of_sizes((3, 3), (4, 4), (3, 3))
    assert pixels_of(images, threads=1).looked_at == 3
    assert sorted(images.reads) == [0, 1, 2]


def test_images_that_cannot_be_read_are_named_and_the_others_told():
    images = InMemory([np.full((1, 1, 3), 9, np.uint8)] * 4, broken=[1, 2])
    found = pixels_of(images, threads=1)
    assert found.unreadable == ["image-1.png: is broken", "image-2.png: is broken"]
    assert found.shapes == {(1, 1, 3): 2}
    with pytest.raises(ImageError, match=r"image-0\.png: is broken"):
        pixels_of(InMemory([np.zeros((1, 1, 3), np.uint8)], broken=[0]), threads=1)


def test_what_json_has_is_json(photos):
    found = json.loads(json.dumps(overview_of(Folder(path=photos(size=(6, 5)))).as_json()))
    assert found["images"] == {"all": 30}
    assert found["shapes"] == [{"shape": [6, 5, 3], "images": 30}]
    assert found["images_by_class"] == {"all": {"blue": 10, "green": 10, "red": 10}}


class TestExamples:
    def labels(self, images, count=9, seed=42):
        return [label for label, _ in examples(images, count, seed)]

    def test_each_class_comes_once_before_one_comes_twice(self):
        names = [f"{i:02d}" for i in range(12)]
        images = InMemory([np.zeros((1, 1, 3), np.uint8)] * 60, np.arange(60) % 12, names)
        chosen = self.labels(images)
        assert chosen == sorted(set(chosen))
        assert len(chosen) == 9
        assert len(set(self.labels(images, 14))) == 12

    def test_the_label_is_that_of_the_image(self):
        for label, image in examples(numbered(200, classes=7), 9, 1):
            assert label == "abcdefg"[image[0, 0, 0] % 7]

    def test_the_seed_decides(self):
        images = numbered(250, classes=3)
        first, again, other = (
            [image[0, 0, 0] for _, image in examples(images, 9, seed)] for seed in (1, 1, 2)
        )
        assert first == again != other

    def test_of_fewer_images_all_are_drawn_and_bad_ones_left_out(self):
        images = numbered(5)
        images.broken = {3}
        assert sorted(image[0, 0, 0] for _, image in examples(images, 9, 0)) == [0, 1, 2, 4]

    @given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.integers(0, 100))
    def test_every_image_is_drawn_once(self, labels, seed):
        drawn = list(overview._drawn(np.array(labels), seed))
        assert sorted(drawn) == list(range(len(labels)))
        # Round by round: no class is ahead of another by more than it has to be.
        for end in range(1, len(drawn)):
            taken = np.bincount(np.array(labels)[drawn[:end]], minlength=6)
            left = np.bincount(np.array(labels)[drawn[end:]], minlength=6)
            assert all(taken[left > 0] >= taken.max() - 1)
