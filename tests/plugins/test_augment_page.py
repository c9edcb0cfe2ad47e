"""The settings that the page on augmentation gives can be used as they are written."""

import re
from pathlib import Path

import numpy as np
import pytest

from dlcv import registry
from dlcv.data.pipeline import Pipeline

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "augment.md"
SETTINGS = re.findall(r"\| `([^`]+, flip)` \|", PAGE.read_text())


def test_the_page_has_settings_of_each_source():
    assert len(SETTINGS) == 5


@pytest.mark.parametrize("text", SETTINGS)
def test_settings_change_images_in_training_only(text):
    steps = registry.create_list("preprocessor", text)
    pipeline = Pipeline.of(steps).with_sizes((24, 24))
    images = np.random.default_rng(0).integers(0, 256, (3, 27, 27, 3), np.uint8)
    still, moved = pipeline.pixels(images), pipeline.pixels(images, np.random.default_rng(0))
    assert still.shape == moved.shape
    assert not np.array_equal(still, moved)
    np.testing.assert_array_equal(pipeline.pixels(images), still)
