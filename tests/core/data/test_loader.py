"""Batches: a pure function of seed, epoch and index, whatever the threads and the start."""

import itertools
import threading

import numpy as np
import pytest
from in_memory import InMemory, numbered

from dlcv.data.loader import AHEAD_PER_THREAD, Loader
from dlcv.data.pipeline import Pipeline
from dlcv.data.subset import ArrayImages
from dlcv.errors import ImageError
from dlcv.interfaces import Preprocessor, plugin
from dlcv_plugins.preprocessors.patch import Patch
from dlcv_plugins.preprocessors.scale import Scale

PLAIN = Pipeline((), ())


@plugin
class Blend(Preprocessor):
    """Mixes each image with its neighbour, and shifts its pixels at random."""

    def __call__(self, images, rng=None):
        return images if rng is None else images + rng.integers(0, 5, dtype=np.uint8)

    def mix(self, images, labels, rng):
        share = np.float32(rng.uniform(0, 0.5))
        mixed = labels * (1 - share) + np.roll(labels, 1, axis=0) * share
        return images, mixed


def random_images(count=23, size=(9, 8)):
    rng = np.random.default_rng(5)
    images = rng.integers(0, 250, (count, *size, 3), np.uint8)
    return InMemory(images, rng.integers(0, 3, count), ("a", "b", "c"))


def loader(images=None, threads=1, seed=7, pipeline=PLAIN, batch_size=5):
    images = images or random_images()
    return Loader(images, pipeline, batch_size=batch_size, threads=threads, seed=seed)


def take(loader, count, first=0):
    stream = loader.stream(first)
    batches = list(itertools.islice(stream, count))
    stream.close()
    return batches


def assert_same(batches, others):
    assert len(batches) == len(others)
    for (pixels, labels), (other_pixels, other_labels) in zip(batches, others, strict=True):
        np.testing.assert_array_equal(pixels, other_pixels)
        np.testing.assert_array_equal(labels, other_labels)


def numbers(batches):
    """The numbers of the images of `numbered`, batch by batch."""
    return [pixels[:, 0, 0, 0].tolist() for pixels, _ in batches]


RANDOM = Pipeline((Patch(size=6), Blend()), ())


@pytest.mark.parametrize("threads", [2, 7])
def test_batches_do_not_depend_on_the_threads(threads):
    alone = take(loader(pipeline=RANDOM), 15)
    assert_same(take(loader(pipeline=RANDOM, threads=threads), 15), alone)


@pytest.mark.parametrize("first", [1, 4, 5, 7, 12])
def test_batches_do_not_depend_on_where_the_stream_starts(first):
    whole = take(loader(pipeline=RANDOM), 16)
    assert_same(take(loader(pipeline=RANDOM, threads=2), 16 - first, first), whole[first:])


def test_every_image_comes_once_in_each_epoch():
    batches = numbers(take(loader(numbered(23), threads=2), 15))
    for epoch in range(3):
        of_epoch = batches[5 * epoch : 5 * epoch + 5]
        assert [len(batch) for batch in of_epoch] == [5, 5, 5, 5, 3]
        assert sorted(itertools.chain(*of_epoch)) == list(range(23))


def test_epochs_and_seeds_have_orders_of_their_own():
    orders = [tuple(loader(seed=seed).order(epoch)) for seed in (0, 1, 2) for epoch in range(4)]
    assert len(set(orders)) == 12


def test_order_and_draws_are_those_of_the_documented_seeds():
    images = random_images(count=10, size=(6, 6))
    of_epoch = take(loader(images, pipeline=Pipeline((Blend(),), ()), seed=3), 4)[2:]
    order = np.random.default_rng([3, 0, 1]).permutation(10)
    for index, (pixels, _) in enumerate(of_epoch):
        shift = np.random.default_rng([3, 1, 1, index]).integers(0, 5, dtype=np.uint8)
        expected = np.stack([images.images[i] for i in order[5 * index : 5 * index + 5]]) + shift
        np.testing.assert_array_equal(pixels, expected)


def test_random_steps_draw_anew_in_each_batch_and_epoch():
    one_image = numbered(1, size=(12, 12))
    one_image.images[0] = np.arange(12 * 12 * 3, dtype=np.uint8).reshape(12, 12, 3)
    batches = take(loader(one_image, pipeline=Pipeline((Patch(size=6),), ()), batch_size=1), 12)
    assert len({pixels.tobytes() for pixels, _ in batches}) > 6


def test_labels_are_one_hot_float32_and_pixels_uint8():
    (pixels, labels), *_ = take(loader(numbered(6, classes=3), seed=None, batch_size=4), 1)
    assert pixels.dtype == np.uint8
    assert labels.dtype == np.float32
    assert labels.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]


def test_labels_stay_with_their_images():
    images = numbered(20, classes=3)
    for pixels, labels in take(loader(images, threads=3), 12):
        np.testing.assert_array_equal(labels.argmax(axis=1), pixels[:, 0, 0, 0] % 3)


def test_without_a_seed_images_come_in_stored_order_and_random_steps_keep_still():
    images = numbered(7, size=(12, 12))
    batches = take(loader(images, seed=None, pipeline=RANDOM, batch_size=3), 3)
    assert numbers(batches) == [[0, 1, 2], [3, 4, 5], [6]]
    assert {pixels.shape[1:] for pixels, _ in batches} == {(6, 6, 3)}
    assert all(set(labels.ravel()) == {0, 1} for _, labels in batches[:2])


def test_value_steps_are_left_to_the_network():
    pipeline = Pipeline((), (Scale(),))
    assert_same(take(loader(pipeline=pipeline), 5), take(loader(), 5))


def test_mixing_comes_after_all_pixel_steps_and_only_in_training():
    mixed = take(loader(pipeline=Pipeline((Blend(),), ())), 5)
    assert all(np.allclose(labels.sum(axis=1), 1) for _, labels in mixed)
    assert any(0 < value < 1 for _, labels in mixed for value in labels.ravel())


@pytest.mark.parametrize(("count", "batch_size", "steps"), [(10, 5, 2), (11, 5, 3), (3, 8, 1)])
def test_steps_per_epoch_count_the_last_smaller_batch(count, batch_size, steps):
    assert loader(numbered(count), batch_size=batch_size).steps_per_epoch == steps


@pytest.mark.parametrize("threads", [1, 4])
def test_one_pass_reads_every_image_once_and_no_further(threads):
    images = numbered(23)
    batches = list(loader(images, threads=threads, seed=None).epoch())
    assert list(itertools.chain(*numbers(batches))) == list(range(23))
    assert sorted(images.reads) == list(range(23))


def test_the_stream_reads_only_a_little_ahead():
    images = numbered(1000)
    stream = loader(images, threads=2, batch_size=10).stream(0)
    for _ in range(3):
        next(stream)
    stream.close()
    assert len(images.reads) <= (3 + 2 * AHEAD_PER_THREAD) * 10


def test_closing_the_stream_stops_its_threads():
    stream = loader(threads=3).stream(0)
    next(stream)
    names = [thread.name for thread in threading.enumerate()]
    assert any(name.startswith("dlcv-read-ahead") for name in names)
    stream.close()
    names = [thread.name for thread in threading.enumerate()]
    assert not any(name.startswith("dlcv-read-ahead") for name in names)


def test_a_bad_image_is_named_where_its_batch_would_have_come():
    images = numbered(20)
    images.broken = {12}
    stream = loader(images, threads=3, seed=None).stream(0)
    assert numbers([next(stream), next(stream)]) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    with pytest.raises(ImageError, match=r"^image-12\.png: is broken$"):
        next(stream)


def test_images_without_labels_load_too():
    images = ArrayImages([np.zeros((4, 4, 3), np.uint8), np.ones((4, 4, 3), np.uint8)], ["x", "y"])
    (pixels, _), *rest = loader(images, seed=None).epoch()
    assert rest == []
    assert pixels[:, 0, 0, 0].tolist() == [0, 1]
