"""JPEG files: the pixels are OpenCV's, bit by bit, and damage that OpenCV accepts is refused."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from dlcv import images
from dlcv.errors import ImageError
from dlcv.images import jpeg


def encoded(mode="RGB", size=(160, 120), **options):
    blots = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    image = Image.fromarray(blots).resize(size, Image.Resampling.BICUBIC).convert(mode)
    content = io.BytesIO()
    image.save(content, "JPEG", quality=95, **options)
    return content.getvalue()


def with_orientation(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(size=(41, 23), exif=exif)


GOOD = {
    "plain": encoded(),
    "progressive": encoded(progressive=True),
    "restarts": encoded(restart_marker_blocks=8),
    "4:4:4": encoded(subsampling=0),
    "4:2:2": encoded(subsampling=1),
    "odd sides": encoded(size=(37, 23)),
    "one pixel": encoded(size=(1, 1)),
    "grey": encoded("L"),
    "inks": encoded("CMYK"),
    "trailer": encoded() + b"a trailer that cameras write",
    "filled": encoded()[:-2] + bytes(20) + b"\xff\xd9",
    "no such orientation": with_orientation(77),
    **{f"orientation {n}": with_orientation(n) for n in range(1, 9)},
}


@pytest.mark.parametrize("content", GOOD.values(), ids=GOOD)
@pytest.mark.parametrize(
    ("color_mode", "flag"),
    [("rgb", cv2.IMREAD_COLOR_RGB), ("grayscale", cv2.IMREAD_GRAYSCALE)],
)
def test_good_files_have_the_pixels_that_opencv_gives(content, color_mode, flag):
    expected = cv2.imdecode(np.frombuffer(content, np.uint8), flag)
    decoded = images.decode(content, color_mode)
    np.testing.assert_array_equal(decoded, expected.reshape(decoded.shape))


def test_an_image_on_its_side_is_turned():
    assert images.decode(with_orientation(6)).shape == (41, 23, 3)


@pytest.mark.parametrize(
    ("options", "unnoticed"),
    [({}, 0), ({"restart_marker_blocks": 8}, 0), ({"progressive": True}, 0.05)],
)
def test_cuts_that_were_closed_again_are_refused(options, unnoticed, capfd):
    """A progressive file that is cut between two scans is a file with fewer scans."""
    content = encoded(**options)
    whole = images.decode(content)
    cuts = range(content.index(b"\xff\xda") + 14, len(content) - 40, 97)
    accepted = []
    for end in cuts:
        try:
            decoded = images.decode(content[:end] + b"\xff\xd9")
        except ImageError:
            continue
        if not np.array_equal(decoded, whole):
            accepted.append(end)
    capfd.readouterr()
    assert len(cuts) > 20
    assert len(accepted) <= unnoticed * len(cuts)


def test_opencv_accepts_what_is_refused_here(capfd):
    content = encoded()
    closed = content[: len(content) // 2] + b"\xff\xd9"
    assert cv2.imdecode(np.frombuffer(closed, np.uint8), cv2.IMREAD_COLOR) is not None
    capfd.readouterr()
    with pytest.raises(ImageError, match=r"damaged or cut off .*premature end"):
        images.decode(closed)
    assert capfd.readouterr() == ("", "")


def without_a_scan(content):
    """Leaves the fifth scan of a progressive file out."""
    starts = [i for i in range(len(content)) if content[i : i + 2] == b"\xff\xda"]
    return content[: starts[4]] + content[starts[5] :]


RESTARTS = encoded(restart_marker_blocks=8)
PROGRESSIVE = encoded(progressive=True)
MIDDLE = len(encoded()) // 2
DAMAGED = {
    "instead of RST": RESTARTS.replace(b"\xff\xd1", b"\xff\xd5", 1),
    "before marker 0xd2": RESTARTS.replace(b"\xff\xd1", b"", 1),
    "bad Huffman code": encoded()[:MIDDLE] + b"\xff\0" * 20 + encoded()[MIDDLE + 40 :],
    "progression": without_a_scan(PROGRESSIVE),
}


@pytest.mark.parametrize("reason", DAMAGED)
def test_garbled_files_are_refused_with_the_reason(reason):
    with pytest.raises(ImageError, match=f"damaged or cut off .*{reason}"):
        images.decode(DAMAGED[reason])


def test_what_is_no_jpeg_is_left_to_others():
    assert jpeg.decode(b"", channels=3) is None
    assert jpeg.decode(b"text", channels=3) is None
    assert jpeg.decode(encoded()[:30], channels=3) is None


EXIF_OF_ANOTHER = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
"""An EXIF block whose orientation is 6."""


def segment(marker, content):
    return bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, "big") + content


@pytest.mark.parametrize(
    "content",
    [
        encoded() + with_orientation(6),
        encoded()[:2] + segment(0xED, b"Photoshop 3.0\0" + EXIF_OF_ANOTHER) + encoded()[2:],
        encoded(comment=EXIF_OF_ANOTHER),
        encoded()[:2] + segment(0xE1, b"a thumbnail" + EXIF_OF_ANOTHER) + encoded()[2:],
        encoded()[:2] + segment(0xE2, EXIF_OF_ANOTHER) + encoded()[2:],
    ],
    ids=["picture behind", "thumbnail", "comment", "within APP1", "APP2"],
)
def test_an_orientation_that_belongs_to_something_else_is_left_alone(content):
    np.testing.assert_array_equal(images.decode(content), images.decode(encoded()))


def test_exif_behind_other_segments_and_fill_bytes_is_the_pictures_own():
    own = b"\xff\xff" + segment(0xE1, EXIF_OF_ANOTHER)
    content = encoded()[:2] + segment(0xEE, bytes(60_000)) * 6 + own + encoded()[2:]
    assert images.decode(content).shape == (160, 120, 3)
