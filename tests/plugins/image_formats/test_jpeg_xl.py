"""JPEG XL gives the pixels of libjxl, upright, whole and bounded by the header."""

import io

import numpy as np
import pytest

from dlcv import images
from dlcv.errors import ImageError
from dlcv_plugins.image_formats import jpeg_xl

imagecodecs = pytest.importorskip("imagecodecs", reason="imagecodecs is not installed: dlcv[jxl]")


def pixels(height: int, width: int, channels: int = 3) -> np.ndarray:
    shape = (height, width, channels)
    return np.random.default_rng(height * width).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize(
    ("height", "width"),
    [(8, 8), (16, 24), (24, 16), (9, 9), (100, 75), (75, 100), (64, 128), (600, 3), (1, 9001)],
)
@pytest.mark.parametrize("in_boxes", [False, True])
def test_header_states_the_size(height: int, width: int, in_boxes: bool) -> None:
    image = np.zeros((height, width, 3), np.uint8)
    content = imagecodecs.jpegxl_encode(image, lossless=True, usecontainer=in_boxes)
    assert jpeg_xl.size_of(bytes(content)) == (width, height)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_lossless_pixels_are_read_without_alpha(channels: int) -> None:
    stored = pixels(20, 31, channels)
    squeezed = stored[..., 0] if channels == 1 else stored
    content = bytes(imagecodecs.jpegxl_encode(squeezed, lossless=True))

    decoded = images.decode(content)
    color = stored[..., :3] if channels > 2 else np.repeat(stored[..., :1], 3, axis=2)
    np.testing.assert_array_equal(decoded, color)
    if channels < 3:
        np.testing.assert_array_equal(images.decode(content, "grayscale"), stored[..., :1])


@pytest.mark.parametrize("shape", [(1, 40, 3), (40, 1, 3), (1, 1, 3), (1, 40, 1)])
def test_a_side_of_one_pixel_stays_a_side(shape: tuple[int, int, int]) -> None:
    stored = pixels(*shape)
    content = bytes(imagecodecs.jpegxl_encode(stored, lossless=True))
    np.testing.assert_array_equal(images.decode(content), np.broadcast_to(stored, (*shape[:2], 3)))


def test_lossy_pixels_are_those_of_the_library() -> None:
    content = bytes(imagecodecs.jpegxl_encode(pixels(40, 24), distance=2.0))
    np.testing.assert_array_equal(images.decode(content), imagecodecs.jpegxl_decode(content))


def test_the_codestream_turns_an_image_upright() -> None:
    """A JPEG that was packed without loss keeps its orientation in the codestream."""
    from PIL import Image, ImageOps

    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    Image.fromarray(pixels(24, 40)).save(file, "JPEG", exif=exif, quality=95)
    upright = np.array(ImageOps.exif_transpose(Image.open(file)))
    packed = bytes(imagecodecs.jpegxl_encode_jpeg(file.getvalue()))

    decoded = images.decode(packed)
    assert decoded.shape == (40, 24, 3)
    # Two decoders of JPEG round differently, the colors above all.
    assert np.abs(decoded.astype(int) - upright).mean() < 4


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_file_that_is_cut_off_is_refused(share: float) -> None:
    content = bytes(imagecodecs.jpegxl_encode(pixels(64, 64), lossless=True))
    with pytest.raises(ImageError, match="damaged"):
        images.decode(content[: int(share * len(content))])


def test_an_image_of_too_many_pixels_is_refused_by_its_header(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(images.LARGEST_IMAGE_VARIABLE, "959")
    content = bytes(imagecodecs.jpegxl_encode(pixels(24, 40), lossless=True))
    monkeypatch.setattr(imagecodecs, "jpegxl_decode", lambda *a, **k: pytest.fail("was decoded"))
    with pytest.raises(ImageError, match="has 40 x 24 pixels, more than the limit of 959"):
        images.decode(content)


def test_floating_point_samples_are_refused() -> None:
    content = bytes(imagecodecs.jpegxl_encode(np.zeros((9, 9), np.float32), lossless=True))
    with pytest.raises(ImageError, match="has floating-point samples, which are not read"):
        images.decode(content)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jpeg_xl, "_is_installed", lambda: False)
    with pytest.raises(ImageError, match=r"is JPEG XL; `pip install 'dlcv\[jxl\]'` lets dlcv"):
        images.decode(jpeg_xl.CODESTREAM + bytes(30))
