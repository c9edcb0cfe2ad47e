"""Batches by index, in whatever order Keras asks for them."""

import gc
import threading
import weakref
from functools import partial

import keras
import numpy as np
import pytest

from dlcv.data.loader import Loader
from dlcv.data.pipeline import Pipeline
from dlcv.data.subset import ArrayImages
from dlcv.errors import ImageError
from dlcv.interfaces import Images
from dlcv_plugins.training.feed import Feed


class Numbered(ArrayImages):
    """Seven images whose pixels are their number, of which one may be broken."""

    def __init__(self, broken: int | None = None) -> None:
        super().__init__([np.full((1, 1, 1), n, np.uint8) for n in range(7)], [""] * 7)
        self.broken = broken
        self.reads = 0

    def read(self, indices: np.ndarray) -> Images:
        self.reads += 1
        if self.broken in indices:
            raise ImageError("is broken", name=f"{self.broken}.png")
        return super().read(indices)


def loader(images: ArrayImages) -> Loader:
    """Batches of 0 1, 2 3, 4 5, and 6, for ever."""
    return Loader(images, Pipeline((), ()), batch_size=2, threads=1)


def numbers(feed: Feed, index: int) -> list[int]:
    pixels, labels = feed[index]
    assert len(labels) == len(pixels)
    return pixels.ravel().tolist()


def readers() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if "read-ahead" in thread.name}


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4, 5], [0, 1, 0, 1, 2], [5, 3, 3, 0, 4, 1]])
def test_a_batch_depends_on_its_index_whatever_came_before(order: list[int]) -> None:
    expected = [[2, 3], [4, 5], [6], [0, 1], [2, 3], [4, 5]]  # from the loader's step 1 on
    with Feed(loader(Numbered()), 1, 6) as feed:
        assert [numbers(feed, index) for index in order] == [expected[index] for index in order]


def test_what_is_asked_beyond_the_end_is_not_read() -> None:
    images = Numbered()
    with Feed(loader(images), 0, 2) as feed:
        assert [numbers(feed, index) for index in (0, 1)] == [[0, 1], [2, 3]]
        feed[1]
        assert numbers(feed, 2) == numbers(feed, 9) == [2, 3]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's data")
def test_tensorflow_gets_batches_of_any_size_that_no_thread_of_its_own_tunes() -> None:
    """That thread sleeps for up to a minute, and what ends meanwhile waits for it."""
    with Feed(loader(Numbered()), 0, 4) as feed:
        data = feed.data()
        assert data.options().autotune.enabled is False
        assert [spec.shape.as_list() for spec in data.element_spec] == [[None, 1, 1, 1], [None, 1]]
        found = [pixels.numpy().ravel().tolist() for pixels, _ in data.take(4)]
    assert found == [[0, 1], [2, 3], [4, 5], [6]]


def test_a_batch_that_is_asked_for_again_is_not_read_again() -> None:
    images = Numbered()
    with Feed(loader(images), 0, 1) as feed:
        first = feed[0]
        reads = images.reads
        assert feed[0] is first
        assert images.reads == reads


def test_closing_ends_the_threads_and_reads_no_more() -> None:
    images, before = Numbered(), readers()
    with Feed(loader(images), 0, 10) as feed:
        feed[0]
        assert readers() > before
    assert readers() == before
    reads = images.reads
    assert numbers(feed, 1) == [0, 1]  # a thread of Keras may still ask
    assert images.reads == reads


def test_images_and_network_are_let_go_of_while_keras_keeps_the_feed() -> None:
    images, network = Numbered(), keras.Sequential()
    kept = weakref.ref(images), weakref.ref(network)
    with Feed(loader(images), 0, 2, notify=partial(lambda network, **_: None, network)) as feed:
        feed[0]
    del images, network
    gc.collect()
    assert [reference() for reference in kept] == [None, None]
    with Feed(loader(Numbered()), 0, 2) as feed:
        pass
    with pytest.raises(IndexError):
        feed[0]


def test_what_goes_wrong_is_raised_and_kept() -> None:
    with Feed(loader(Numbered(broken=3)), 0, 4) as feed:
        assert numbers(feed, 0) == [0, 1]
        assert feed.error is None
        with pytest.raises(ImageError, match=r"3\.png: is broken"):
            feed[1]
        assert isinstance(feed.error, ImageError)
        assert numbers(feed, 2) == [4, 5]
