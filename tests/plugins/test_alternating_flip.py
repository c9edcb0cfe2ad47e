"""Mirror images in every other epoch, as training gets them."""

import numpy as np
from in_memory import InMemory

from dlcv.data.loader import Loader
from dlcv.data.pipeline import Pipeline
from dlcv_plugins.preprocessors.alternating_flip import AlternatingFlip

PIXELS = np.random.default_rng(0).integers(0, 256, (200, 4, 5, 3), np.uint8)


def epoch(number, batch_size=30):
    """The images of an epoch in stored order, and which of them are mirrored."""
    images = InMemory(PIXELS)
    loader = Loader(
        images, Pipeline.of([AlternatingFlip()]), batch_size=batch_size, threads=1, seed=7
    )
    order = loader.order(number)
    found = np.empty_like(PIXELS)
    for index in range(loader.steps_per_epoch):
        found[loader.indices(index, order)] = loader.batch(number, index, order)[0]
    same, mirrored = (
        (found == expected).all(axis=(1, 2, 3)) for expected in (PIXELS, PIXELS[:, :, ::-1])
    )
    assert (same ^ mirrored).all()
    return mirrored


def test_each_image_changes_its_side_with_each_epoch():
    first = epoch(0)

    assert 80 < first.sum() < 120
    np.testing.assert_array_equal(epoch(1), ~first)
    np.testing.assert_array_equal(epoch(2, batch_size=7), first)


def test_neighbours_begin_on_either_side():
    """Which are often of one class."""
    first = epoch(0)

    assert 40 < (first[1:] == first[:-1]).sum() < 160


def test_nothing_is_mirrored_outside_training():
    assert AlternatingFlip()(PIXELS) is PIXELS
