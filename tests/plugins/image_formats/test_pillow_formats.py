"""GIF, AVIF, JPEG 2000 and HEIF give the pixels that their library gives, upright and whole."""

import builtins
import io
import sys

import numpy as np
import pytest
from PIL import Image, ImageOps

from dlcv import images
from dlcv.errors import ImageError
from dlcv_plugins.image_formats import pillow_formats

FORMATS = ("GIF", "AVIF", "JPEG2000", "HEIF")
ORIENTATION = 0x0112


@pytest.fixture(scope="module", autouse=True)
def heif():
    pytest.importorskip("pillow_heif")
    assert pillow_formats.enable_heif()


def encoded(name: str, image: Image.Image, **options) -> bytes:
    content = io.BytesIO()
    image.save(content, name, **options)
    return content.getvalue()


def picture(height: int = 24, width: int = 40) -> Image.Image:
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([across, down, 255 - across], axis=2).astype(np.uint8))


@pytest.mark.parametrize("name", FORMATS)
def test_pixels_are_those_of_the_library(name: str) -> None:
    content = encoded(name, picture())
    expected = np.array(Image.open(io.BytesIO(content)).convert("RGB"))

    decoded = images.decode(content)
    np.testing.assert_array_equal(decoded, expected)
    grey = images.decode(content, "grayscale")[..., 0]
    np.testing.assert_allclose(grey, expected @ [0.299, 0.587, 0.114], atol=1)


@pytest.mark.parametrize("name", ["AVIF", "HEIF"])
def test_photos_are_turned_upright(name: str) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    content = encoded(name, picture(), exif=exif.tobytes())
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")

    decoded = images.decode(content)
    assert decoded.shape == (40, 24, 3)
    np.testing.assert_array_equal(decoded, np.array(expected))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_that_is_cut_off_is_refused(name: str, share: float) -> None:
    content = encoded(name, picture(64, 64))
    with pytest.raises(ImageError, match=r"damaged"):
        images.decode(content[: int(share * len(content))])


@pytest.mark.parametrize("name", FORMATS)
def test_an_image_of_too_many_pixels_is_refused_by_its_header(name: str, monkeypatch) -> None:
    monkeypatch.setenv(images.LARGEST_IMAGE_VARIABLE, "959")
    with pytest.raises(ImageError, match="has 40 x 24 pixels, more than the limit of 959"):
        images.decode(encoded(name, picture()))


@pytest.mark.parametrize("by", [-9, 5])
def test_a_header_that_states_another_size_is_damage(by: int) -> None:
    content = bytearray(encoded("HEIF", picture()))
    at = content.index(b"ispe") + 8
    width = int.from_bytes(content[at : at + 4], "big")
    content[at : at + 4] = (width + by).to_bytes(4, "big")

    with pytest.raises(ImageError, match="damaged"):
        images.decode(bytes(content))


def test_the_first_frame_of_an_animation_is_read() -> None:
    frames = [Image.new("RGB", (8, 6), color) for color in ("red", "blue")]
    content = encoded("GIF", frames[0], save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(images.decode(content), np.array(frames[0]))


def test_the_upper_byte_of_16_bits_is_read() -> None:
    pixels = np.random.default_rng(0).integers(0, 2**16, (9, 7)).astype(np.uint16)
    content = encoded("JPEG2000", Image.fromarray(pixels))
    decoded = images.decode(content)
    np.testing.assert_array_equal(decoded, np.repeat((pixels >> 8)[..., np.newaxis], 3, axis=2))


def test_without_the_package_its_name_is_said(monkeypatch, request) -> None:
    content = encoded("HEIF", picture())
    monkeypatch.delitem(sys.modules, "pillow_heif", raising=False)
    found = builtins.__import__

    def without(name, *arguments, **options):
        if name == "pillow_heif":
            raise ImportError(name)
        return found(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    request.addfinalizer(pillow_formats.enable_heif.cache_clear)
    pillow_formats.enable_heif.cache_clear()
    with pytest.raises(
        ImageError, match=r"is HEIF; `pip install 'dlcv\[heif\]'` lets dlcv read it"
    ):
        images.decode(content)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"8BPS" + bytes(30), "Photoshop"),
        (b"P6\n2 2\n255\n" + bytes(12), "Netpbm"),
    ],
)
def test_a_format_that_is_not_read_is_named(content: bytes, name: str) -> None:
    with pytest.raises(ImageError, match=f"has the format {name}, which is not read; convert"):
        images.decode(content)


def test_files_of_these_formats_are_found_in_folders(tmp_path) -> None:
    for name, extension in zip(FORMATS, (".gif", ".avif", ".jp2", ".HEIC"), strict=True):
        (tmp_path / f"1{extension}").write_bytes(encoded(name, picture()))
    found = sorted(images.image_files(tmp_path))
    assert len(found) == len(FORMATS)
    assert {images.read_image(path).shape for path in found} == {(24, 40, 3)}
