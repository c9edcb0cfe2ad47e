"""What the page of a check shows of damaged files."""

import io

import numpy as np
from PIL import Image

from dlcv import images
from dlcv_plugins.commands.data.check.page import rest_of_jpeg


def encoded(size):
    blots = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    content = io.BytesIO()
    Image.fromarray(blots).resize(size, Image.Resampling.BICUBIC).save(content, "JPEG", quality=95)
    return content.getvalue()


def test_the_rest_of_a_damaged_file_is_shown():
    content = encoded((160, 120))
    rest = rest_of_jpeg(content[: len(content) // 2] + b"\xff\xd9", side=160)
    whole = images.decode(content)
    assert rest.shape == whole.shape
    np.testing.assert_allclose(rest[:40].astype(int), whole[:40], atol=3)
    assert np.ptp(rest[-8:]) < 3


def test_the_rest_of_a_large_file_is_made_small():
    assert rest_of_jpeg(encoded((1600, 1600)), side=160).shape == (200, 200, 3)
