"""TIFF files: damaged parts are refused, alpha is dropped, and good files have OpenCV's pixels."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from dlcv import images
from dlcv.errors import ImageError

COMPRESSIONS = ("tiff_lzw", "packbits", "tiff_adobe_deflate", "jpeg")
MODES = ("RGB", "L", "1", "P", "CMYK", "LA")
ROWS_A_STRIP = 278


def picture() -> np.ndarray:
    """Returns `(96, 80, 3)` uint8 that compresses to strips of some hundred bytes."""
    steps = np.random.default_rng(0).normal(0, 3, (96, 80, 3))
    return np.clip(np.cumsum(steps, 0) + 128, 0, 255).astype(np.uint8)


def encode(image: Image.Image, compression: str | None = None, **options: object) -> bytes:
    """Returns a TIFF of 16 rows a strip."""
    stream = io.BytesIO()
    image.save(stream, "TIFF", compression=compression, tiffinfo={ROWS_A_STRIP: 16}, **options)
    return stream.getvalue()


def damaged(content: bytes) -> bytes:
    """Returns a TIFF whose third strip is lost."""
    tags = Image.open(io.BytesIO(content)).tag_v2  # type: ignore[attr-defined]
    start, size = tags[273][2], tags[279][2]
    return content[:start] + bytes(size) + content[start + size :]


@pytest.mark.parametrize("color_mode", ["rgb", "grayscale"])
@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
@pytest.mark.parametrize("mode", MODES)
def test_good_files_have_the_pixels_that_opencv_gives(mode, compression, color_mode):
    content = encode(Image.fromarray(picture()).convert(mode), compression)
    flag = cv2.IMREAD_COLOR_RGB if color_mode == "rgb" else cv2.IMREAD_GRAYSCALE
    expected = cv2.imdecode(np.frombuffer(content, np.uint8), flag)
    decoded = images.decode(content, color_mode)
    np.testing.assert_array_equal(decoded, expected.reshape(decoded.shape))


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_a_lost_strip_is_refused(mode, compression):
    content = encode(Image.fromarray(picture()).convert(mode), compression)
    assert images.decode(content).shape == (96, 80, 3)
    with pytest.raises(ImageError, match="can't be decoded completely; it is damaged or cut off"):
        images.decode(damaged(content))


def test_a_lost_strip_of_16_bits_is_refused():
    deep = Image.fromarray(np.arange(96 * 80, dtype=np.uint16).reshape(96, 80) * 7)
    content = encode(deep, "tiff_lzw")
    assert images.decode(content).shape == (96, 80, 3)
    with pytest.raises(ImageError, match="damaged"):
        images.decode(damaged(content))


@pytest.mark.parametrize("alpha", [255, 128, 0])
@pytest.mark.parametrize("color_mode", ["rgb", "grayscale"])
def test_alpha_is_dropped_and_not_multiplied_into_the_colors(alpha, color_mode):
    rgba = Image.fromarray(picture())
    opaque = images.decode(encode(rgba), color_mode)
    rgba.putalpha(alpha)
    np.testing.assert_array_equal(images.decode(encode(rgba), color_mode), opaque)


def test_alpha_of_16_bits_is_dropped():
    deep = np.dstack([picture(), np.full((96, 80), 128, np.uint8)]).astype(np.uint16) * 257
    content = cv2.imencode(".tiff", deep[..., [2, 1, 0, 3]])[1].tobytes()
    difference = images.decode(content).astype(int) - picture()
    assert np.abs(difference).max() <= 1


def test_colors_that_were_multiplied_by_their_alpha_are_divided_by_it():
    halved = picture() // 2
    rgba = Image.fromarray(np.dstack([halved, np.full((96, 80), 128, np.uint8)]))
    content = bytearray(encode(rgba))
    # The tag ExtraSamples, one short: 1 is "associated alpha", 2 is what Pillow writes.
    entry = b"\x52\x01\x03\x00\x01\x00\x00\x00"
    place = content.index(entry) + len(entry)
    content[place] = 1
    assert Image.open(io.BytesIO(content)).mode == "RGBA"
    difference = images.decode(bytes(content)).astype(int) - picture()
    assert np.abs(difference).max() <= 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_applied_once(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    png, tiff = io.BytesIO(), io.BytesIO()
    Image.fromarray(picture()).save(png, "PNG", exif=exif)
    Image.fromarray(picture()).save(tiff, "TIFF", tiffinfo={0x0112: orientation})
    np.testing.assert_array_equal(images.decode(tiff.getvalue()), images.decode(png.getvalue()))


@pytest.mark.parametrize(
    ("dtype", "words"),
    [("float32", "floating-point samples of 32 bits"), ("int32", "signed samples of 32 bits")],
)
def test_samples_that_are_not_read_are_named(dtype, words):
    content = encode(Image.fromarray(picture()[..., 0].astype(dtype)))
    with pytest.raises(ImageError, match=f"has {words}, which are not read; convert it to 8 bits"):
        images.decode(content)
