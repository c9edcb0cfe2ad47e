"""Pages: one file, nothing from elsewhere, nothing that file names could add."""

import base64
import io

import jinja2
import numpy as np
import pytest
from PIL import Image

from dlcv_plugins import pages


def decoded(address):
    kind, _, content = address.partition(";base64,")
    return kind, Image.open(io.BytesIO(base64.b64decode(content)))


@pytest.mark.parametrize(
    ("size", "expected"), [((320, 640), (80, 160)), ((640, 320), (160, 80)), ((4000, 3), (160, 1))]
)
def test_a_thumbnail_is_small_and_keeps_its_proportions(size, expected):
    kind, image = decoded(pages.thumbnail(np.zeros((*size, 3), np.uint8)))
    assert kind == "data:image/jpeg"
    assert (image.height, image.width) == expected


@pytest.mark.parametrize("channels", [1, 3])
def test_few_pixels_are_kept_as_they_are(channels):
    pixels = np.random.default_rng(0).integers(0, 256, (32, 20, channels), np.uint8)
    kind, image = decoded(pages.thumbnail(pixels))
    assert kind == "data:image/png"
    np.testing.assert_array_equal(np.asarray(image).reshape(pixels.shape), pixels)


def test_colors_are_not_swapped():
    _, image = decoded(pages.thumbnail(np.full((200, 200, 3), (250, 10, 20), np.uint8)))
    np.testing.assert_allclose(np.asarray(image)[80, 80], (250, 10, 20), atol=4)


def test_a_value_that_is_missing_is_an_error():
    with pytest.raises(jinja2.UndefinedError):
        pages.render("check.html")
