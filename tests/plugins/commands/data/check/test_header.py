"""What a file states about itself."""

import io
import struct
import zlib

import defective
import numpy as np
import pytest
from PIL import Image

from dlcv import images
from dlcv_plugins.commands.data.check.header import read_header


@pytest.mark.parametrize("bits", [8, 16])
def test_bits_of_png_and_tiff(bits):
    values = np.full((4, 5), 200, np.uint8 if bits == 8 else np.uint16)
    for kind in ("PNG", "TIFF"):
        header = read_header(defective.encoded(Image.fromarray(values), kind))
        assert (header.format, header.bits, header.height, header.width) == (kind, bits, 4, 5)


def test_a_color_png_of_16_bits_is_seen_though_pillow_reads_it_as_8():
    import cv2

    content = cv2.imencode(".png", np.full((4, 5, 3), 40_000, np.uint16))[1].tobytes()
    assert Image.open(io.BytesIO(content)).mode == "RGB"
    assert read_header(content).bits == 16


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [1, 3, 8])
def test_orientation(format, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    header = read_header(defective.encoded(defective.picture(0), format, exif=exif))
    assert header.orientation == orientation


def test_an_orientation_that_does_not_exist_is_none():
    exif = Image.Exif()
    exif[0x0112] = 77
    assert read_header(defective.encoded(defective.picture(0), "JPEG", exif=exif)).orientation == 1


def test_a_palette_may_be_transparent():
    image = defective.picture(0).quantize(8)
    assert not read_header(defective.encoded(image, "PNG")).has_transparency
    assert read_header(defective.encoded(image, "PNG", transparency=0)).has_transparency


def test_photos_with_a_second_one_behind_are_jpeg():
    first, second = defective.picture(0), defective.picture(1)
    content = defective.encoded(first, "MPO", save_all=True, append_images=[second])
    header = read_header(content)
    assert (header.format, header.frames) == ("JPEG", 1)


@pytest.mark.parametrize(
    ("kind", "start"),
    [
        (b"iCCP", b"icc\0\0"),
        (b"zTXt", b"workflow\0\0"),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0"),
    ],
)
def test_a_png_with_a_long_text_keeps_its_facts(kind, start):
    exif = Image.Exif()
    exif[0x0112] = 3
    content = defective.encoded(defective.picture(0).convert("RGBA"), "PNG", exif=exif)
    text = kind + start + zlib.compress(bytes(2_000_000))
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    header = read_header(content[:33] + chunk + content[33:])
    assert header == read_header(content)
    assert (header.format, header.orientation) == ("PNG", 3)


def test_damaged_headers_are_none():
    assert read_header(b"") is None
    assert read_header(b"\xff\xd8\xff") is None
    assert read_header(defective.encoded(defective.picture(0), "PNG")[:20]) is None


def test_bombs_are_too_large_up_to_the_limit_that_was_set(monkeypatch):
    assert read_header(defective.png_claiming(10_001, 10_000)).is_too_large
    assert read_header(defective.png_claiming(40_000, 40_000)).is_too_large
    monkeypatch.setenv(images.LARGEST_IMAGE_VARIABLE, "1000000000")
    assert not read_header(defective.png_claiming(40_000, 20_000)).is_too_large
