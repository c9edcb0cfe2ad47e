"""Images: everything that is whole is read, everything that is cut is refused."""

import io
import os
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from dlcv import images
from dlcv.errors import DlcvError, ImageError
from dlcv.images import header as image_header


def picture(height: int = 37, width: int = 53, channels: int = 3) -> np.ndarray:
    """Returns a picture with smooth and with sharp parts, in which all regions differ."""
    rows, columns = np.mgrid[:height, :width]
    planes = [rows * 6, columns * 4, (rows * columns) % 256, 255 - rows][:channels]
    made = np.stack(planes, -1).astype(np.uint8)
    made[5:12, 7:20] = 255 - made[5:12, 7:20]
    return made


def encode(image: np.ndarray | Image.Image, format: str, **options: Any) -> bytes:
    """Encodes with Pillow, of which only the header is used by dlcv."""
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image.squeeze())
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


LOSSLESS: dict[str, Callable[[np.ndarray], bytes]] = {
    "png": lambda image: encode(image, "PNG"),
    "png_opencv": lambda image: cv2.imencode(".png", image[..., ::-1])[1].tobytes(),
    "bmp": lambda image: encode(image, "BMP"),
    "webp_lossless": lambda image: encode(image, "WEBP", lossless=True),
    "tiff": lambda image: encode(image, "TIFF"),
    "tiff_lzw": lambda image: encode(image, "TIFF", compression="tiff_lzw"),
    "tiff_deflate": lambda image: encode(image, "TIFF", compression="tiff_deflate"),
}
LOSSY: dict[str, Callable[[np.ndarray], bytes]] = {
    "jpeg": lambda image: encode(image, "JPEG", quality=95),
    "jpeg_progressive": lambda image: encode(image, "JPEG", quality=95, progressive=True),
    "jpeg_restart": lambda image: cv2.imencode(
        ".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_RST_INTERVAL, 2]
    )[1].tobytes(),
    "webp": lambda image: encode(image, "WEBP", quality=95),
}
ENCODINGS = LOSSLESS | LOSSY


@pytest.mark.parametrize("encoding", LOSSLESS)
def test_pixels_come_back(encoding: str) -> None:
    decoded = images.decode(LOSSLESS[encoding](picture()))
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, picture())


@pytest.mark.parametrize("encoding", LOSSY)
def test_colors_come_back_in_the_order_rgb(encoding: str) -> None:
    colors = np.zeros((32, 96, 3), np.uint8)
    for channel in range(3):
        colors[:, channel * 32 : channel * 32 + 32, channel] = 200
    decoded = images.decode(LOSSY[encoding](colors)).astype(int)
    for channel in range(3):
        middle = decoded[16, channel * 32 + 16]
        np.testing.assert_allclose(middle, 200 * np.eye(3)[channel], atol=12)


@pytest.mark.parametrize("color_mode", ["rgb", "grayscale"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_file_that_is_cut_anywhere_is_refused(
    encoding: str, color_mode: images.ColorMode, capfd: pytest.CaptureFixture[str]
) -> None:
    content = ENCODINGS[encoding](picture())
    assert images.decode(content, color_mode).shape[:2] == (37, 53)
    step = max(1, len(content) // 200)
    cuts = {*range(0, len(content), step), *range(len(content) - 20, len(content))}
    accepted = []
    for cut in sorted(cuts):
        try:
            images.decode(content[:cut], color_mode)
            accepted.append(cut)
        except ImageError:
            continue
    # What the libraries print about each of the cut files.
    capfd.readouterr()
    assert not accepted
    assert len(cuts) > 150


@pytest.mark.parametrize("color_mode", ["rgb", "grayscale"])
def test_a_grey_image_has_the_channels_that_are_asked_for(color_mode: images.ColorMode) -> None:
    grey = picture(channels=1)
    decoded = images.decode(encode(grey, "PNG"), color_mode)
    np.testing.assert_array_equal(decoded, np.repeat(grey, decoded.shape[2], axis=2))
    assert decoded.shape == (37, 53, 3 if color_mode == "rgb" else 1)


def test_a_color_image_becomes_grey_by_luma() -> None:
    # ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B.
    decoded = images.decode(encode(picture(), "PNG"), "grayscale")
    assert decoded.shape == (37, 53, 1)
    expected = picture() @ np.array([0.299, 0.587, 0.114])
    # libpng rounds down, OpenCV to the nearest.
    assert np.abs(decoded[..., 0] - expected).max() < 1.5


def test_a_palette_is_looked_up() -> None:
    indexed = Image.fromarray(picture()).quantize(16)
    decoded = images.decode(encode(indexed, "PNG"))
    np.testing.assert_array_equal(decoded, np.asarray(indexed.convert("RGB")))


def test_black_and_white_are_0_and_255() -> None:
    bits = picture(channels=1) > 127
    decoded = images.decode(encode(Image.fromarray(bits.squeeze()), "PNG"), "grayscale")
    np.testing.assert_array_equal(decoded, bits * 255)


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_alpha_is_dropped(format: str) -> None:
    rgba = np.dstack([picture(), np.full((37, 53), 100, np.uint8)])
    options = {"lossless": True, "exact": True} if format == "WEBP" else {}
    decoded = images.decode(encode(rgba, format, **options))
    np.testing.assert_array_equal(decoded, picture())


@pytest.mark.parametrize(("extension", "tolerance"), [(".png", 0), (".tiff", 1)])
def test_of_16_bits_the_upper_8_are_kept(extension: str, tolerance: int) -> None:
    deep = picture().astype(np.uint16) * 256 + 77
    content = cv2.imencode(extension, deep[..., ::-1])[1].tobytes()
    # libtiff scales by 255 / 65535 instead.
    difference = images.decode(content).astype(int) - picture()
    assert np.abs(difference).max() <= tolerance


def test_a_cmyk_jpeg_is_read_as_rgb() -> None:
    """Ink values: no ink is white, full yellow and magenta are red."""
    inks = np.zeros((16, 32, 4), np.uint8)
    inks[:, 16:, 1:3] = 255
    content = encode(Image.fromarray(inks, "CMYK"), "JPEG", quality=100)
    decoded = images.decode(content).astype(int)
    np.testing.assert_allclose(decoded[8, 8], [255, 255, 255], atol=3)
    np.testing.assert_allclose(decoded[8, 24], [255, 0, 0], atol=3)


@pytest.mark.parametrize("color_mode", ["rgb", "grayscale"])
@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, lambda image: image),
        (2, np.fliplr),
        (3, lambda image: np.rot90(image, 2)),
        (4, np.flipud),
        (5, lambda image: np.transpose(image, (1, 0, 2))),
        (6, lambda image: np.rot90(image, -1)),
        (7, lambda image: np.rot90(np.transpose(image, (1, 0, 2)), 2)),
        (8, np.rot90),
    ],
)
def test_the_orientation_in_exif_is_applied(
    color_mode: images.ColorMode, orientation: int, upright: Callable[[np.ndarray], np.ndarray]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = images.decode(encode(picture(), "PNG", exif=exif), color_mode)
    plain = images.decode(encode(picture(), "PNG"), color_mode)
    np.testing.assert_array_equal(decoded, upright(plain))
    jpeg = images.decode(encode(picture(), "JPEG", exif=exif))
    assert jpeg.shape[:2] == decoded.shape[:2]


def test_the_content_decides_and_not_the_extension(tmp_path: Path) -> None:
    path = tmp_path / "really_a_png.jpg"
    path.write_bytes(encode(picture(), "PNG"))
    np.testing.assert_array_equal(images.read_image(path), picture())
    np.testing.assert_array_equal(images.read_image(str(path)), picture())


UNKNOWN = (
    "is no image of a known format (JPEG, PNG, WEBP, BMP, TIFF, GIF, AVIF, JPEG2000, HEIF, "
    "JPEG XL), or its header is damaged"
)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"just a text\n", UNKNOWN),
        (encode(picture(), "JPEG")[:20], UNKNOWN),
        (encode(picture(), "PPM"), "has the format Netpbm, which is not read; convert it to PNG"),
        (encode(picture(), "PNG")[:-100], "can't be decoded completely; it is damaged or cut off"),
        (encode(picture(), "JPEG")[:-100], "can't be decoded completely; it is damaged or cut off"),
        (None, "No such file or directory"),
        ("folder", "Is a directory"),
    ],
    ids=["empty", "text", "cut_header", "ppm", "cut_png", "cut_jpeg", "missing", "folder"],
)
def test_what_can_not_be_read_is_named(
    tmp_path: Path, content: bytes | str | None, reason: str
) -> None:
    path = tmp_path / "some.jpg"
    if content == "folder":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(ImageError) as caught:
        images.read_image(path)
    assert str(caught.value) == f"{path}: {reason}"
    assert caught.value.reason == reason


def test_a_chunk_that_claims_more_than_the_file_holds_takes_no_memory(monkeypatch):
    """OpenCV would take 2 GB for it."""
    content = bytearray(encode(picture(), "PNG"))
    at = content.index(b"IDAT") - 4
    content[at : at + 4] = (2**31 - 1).to_bytes(4, "big")
    monkeypatch.setattr(cv2, "imdecode", None)

    with pytest.raises(ImageError, match="damaged or cut off"):
        images.decode(bytes(content))


def png_header(width: int, height: int) -> bytes:
    """Returns a PNG that promises a size and has 1 x 1 pixels."""
    content = bytearray(encode(picture(1, 1), "PNG"))
    content[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    return bytes(content)


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        ((10_001, 10_000), "has 10001 x 10000 pixels, more than the limit of 100,000,000"),
        # Pillow has limits of its own between.
        ((40_000, 40_000), "has 40000 x 40000 pixels, more than the limit of 100,000,000"),
    ],
)
def test_an_image_that_is_too_large_is_refused_before_it_is_decoded(
    size: tuple[int, int], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decoded(*arguments: Any) -> None:
        raise AssertionError("it was decoded")

    monkeypatch.setattr(cv2, "imdecode", decoded)
    with pytest.raises(ImageError) as caught:
        images.decode(png_header(*size))
    cure = "which the environment variable DLCV_MAX_IMAGE_PIXELS can raise"
    assert str(caught.value) == f"{reason}, {cure}"
    with pytest.raises(AssertionError, match="it was decoded"):
        images.decode(png_header(10_000, 10_000))


def png_bomb(width: int, height: int) -> bytes:
    """Returns a whole PNG of one grey, in a byte for some 900 pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checked = name + content
        return len(content).to_bytes(4, "big") + checked + zlib.crc32(checked).to_bytes(4, "big")

    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(b"\0" + b"\x50" * width) for _ in range(height))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", size + bytes([8, 0, 0, 0, 0]))
        + chunk(b"IDAT", rows + packer.flush())
        + chunk(b"IEND", b"")
    )


def test_the_limit_can_be_raised_past_pillows_own(monkeypatch: pytest.MonkeyPatch) -> None:
    # Pillow warns of 89 million pixels, and refuses 179 million.
    bomb = png_bomb(15_000, 12_001)
    assert len(bomb) < 250_000
    with pytest.raises(ImageError, match=r"has 15000 x 12001 pixels, more than the limit"):
        images.decode(bomb, "grayscale")
    monkeypatch.setenv("DLCV_MAX_IMAGE_PIXELS", "180015000")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decoded = images.decode(bomb, "grayscale")
    assert decoded.shape == (12_001, 15_000, 1)
    assert (decoded.min(), decoded.max()) == (0x50, 0x50)
    monkeypatch.setenv("DLCV_MAX_IMAGE_PIXELS", "180014999")
    with pytest.raises(ImageError, match="more than the limit of 180,014,999"):
        images.decode(bomb, "grayscale")


def test_the_limit_can_be_lowered(monkeypatch: pytest.MonkeyPatch) -> None:
    content = encode(picture(), "JPEG")
    monkeypatch.setenv("DLCV_MAX_IMAGE_PIXELS", str(37 * 53))
    assert images.decode(content).shape == (37, 53, 3)
    monkeypatch.setenv("DLCV_MAX_IMAGE_PIXELS", str(37 * 53 - 1))
    with pytest.raises(ImageError, match="has 53 x 37 pixels, more than the limit of 1,960"):
        images.decode(content)


@pytest.mark.parametrize("text", ["", "0", "-5", "1e9", "many", "1.5", "1073741825", "9" * 99, "²"])
def test_a_limit_that_is_none_is_no_fault_of_the_image(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DLCV_MAX_IMAGE_PIXELS", text)
    with pytest.raises(DlcvError) as caught:
        images.decode(encode(picture(), "PNG"))
    # An ImageError could be skipped, with the image.
    assert not isinstance(caught.value, ImageError)
    assert "DLCV_MAX_IMAGE_PIXELS is a whole number of pixels from 1 to 1,073,741,824" in str(
        caught.value
    )


WEBP_KINDS = {
    "VP8 ": encode(picture(), "WEBP"),
    "VP8L": encode(picture(), "WEBP", lossless=True),
    "VP8X": encode(np.dstack([picture(), picture(channels=1)]), "WEBP"),
    "animated": encode(
        Image.fromarray(picture()),
        "WEBP",
        save_all=True,
        append_images=[Image.fromarray(255 - picture())],
    ),
}


@pytest.mark.parametrize(
    "content",
    [*(encoded(picture()) for encoded in ENCODINGS.values()), *WEBP_KINDS.values()],
    ids=[*ENCODINGS, *WEBP_KINDS],
)
def test_sizes_are_those_that_pillow_tells(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    width, height = Image.open(io.BytesIO(content)).size
    assert images.decode(content).shape == (height, width, 3)
    monkeypatch.setenv("DLCV_MAX_IMAGE_PIXELS", str(width * height - 1))
    with pytest.raises(ImageError, match=f"has {width} x {height} pixels"):
        images.decode(content)


@pytest.mark.parametrize("kind", ["VP8 ", "VP8L", "VP8X"])
def test_a_webp_of_any_kind_tells_its_size_before_memory_is_taken(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytearray(WEBP_KINDS[kind])
    assert content[12:16] == kind.encode()
    monkeypatch.setattr(cv2, "imdecode", None)
    start, size, added = {
        "VP8 ": (26, b"\xff\x3f\xff\x3f", 0),
        "VP8L": (21, b"\xff\xff\xff\x0f", 1),
        "VP8X": (24, b"\xff\x3f\x00\xff\x3f\x00", 1),
    }[kind]
    content[start : start + len(size)] = size
    edge = 16_383 + added
    with pytest.raises(ImageError, match=f"has {edge} x {edge} pixels, more than the limit"):
        images.decode(bytes(content))


def test_headers_that_are_damaged_in_any_way_are_refused_or_read() -> None:
    rng = np.random.default_rng(0)
    contents = [*(encoded(picture()) for encoded in ENCODINGS.values()), *WEBP_KINDS.values()]
    refused = 0
    for _ in range(3000):
        damaged = bytearray(contents[rng.integers(len(contents))])
        for place in rng.integers(0, min(len(damaged), 64), rng.integers(1, 5)):
            damaged[place] = rng.choice([0, 1, 127, 255, rng.integers(256)])
        try:
            refused += image_header.size_of(bytes(damaged)) is None
        except ImageError:
            refused += 1
    assert 500 < refused < 2900


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.jpg"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(ImageError, match=r"a\.jpg: a pipe or device, not a regular file"):
        images.read_image(path)


def test_images_of_a_folder_are_those_that_people_put_there(tmp_path: Path) -> None:
    kept = ["a.jpg", "b/c d/é.PNG", "b/Thumbs.db.png"]
    strays = [
        ".hidden.png", ".cache/a.png", "__MACOSX/b/a.png", "@eaDir/a.jpg/x.jpg", "notes.txt",
        "Thumbs.db", ".DS_Store", "lost+found/a.png", "$RECYCLE.BIN/a.png",
    ]  # fmt: skip
    for name in [*kept, *strays]:
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).touch()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "linked.png").touch()
    (tmp_path / "set" / "link").symlink_to(tmp_path / "other")
    (tmp_path / "set" / "b" / "circle").symlink_to(tmp_path / "set")
    found = sorted(images.image_files(tmp_path / "set"))
    expected = [str(tmp_path / "set" / name) for name in [*kept, "link/linked.png"]]
    assert found == sorted(expected)


def test_a_folder_that_can_not_be_listed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(images.image_files(tmp_path / "nowhere"))


def test_shrinking_to_half_is_the_mean_of_2_by_2_blocks() -> None:
    image = np.array(
        [
            [[0, 10], [4, 10], [100, 0], [200, 0]],
            [[8, 10], [0, 14], [100, 0], [200, 4]],
            [[255, 1], [255, 2], [1, 90], [3, 90]],
            [[255, 3], [255, 2], [5, 90], [7, 90]],
        ],
        np.uint8,
    )
    expected = [[[3, 11], [150, 1]], [[255, 2], [4, 90]]]
    np.testing.assert_array_equal(images.resize(image, (2, 2)), expected)


@pytest.mark.parametrize("interpolation", ["area", "linear", "nearest"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(20, 30), (74, 106), (37, 53)])
def test_resizing_keeps_the_channels(
    channels: int, size: tuple[int, int], interpolation: images.Interpolation
) -> None:
    resized = images.resize(picture(channels=channels), size, interpolation)
    assert resized.shape == (*size, channels)
    assert resized.dtype == np.uint8


def test_nearest_doubles_pixels() -> None:
    image = picture(channels=1)
    resized = images.resize(image, (74, 106), "nearest")
    np.testing.assert_array_equal(resized, image.repeat(2, axis=0).repeat(2, axis=1))


@pytest.mark.parametrize("size", [(20, 30), (5, 60), (80, 24), (36, 52)])
def test_nearest_is_pillow_s_and_so_that_of_keras_load_img(size: tuple[int, int]) -> None:
    image = picture()
    expected = np.asarray(Image.fromarray(image).resize(size[::-1], Image.Resampling.NEAREST))
    np.testing.assert_array_equal(images.resize(image, size, "nearest"), expected)


def test_a_part_of_an_array_is_resized_like_a_copy() -> None:
    part = picture()[3:31:2, 5:45, ::-1]
    np.testing.assert_array_equal(
        images.resize(part, (7, 9)), images.resize(np.ascontiguousarray(part), (7, 9))
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.jpg", True), ("a.JPeG", True), ("a.tif", True), ("a.txt", False), ("jpg", False)],
)
def test_image_files_are_known_by_their_extension(name: str, expected: bool) -> None:
    assert images.is_image_file(Path("folder") / name) is expected
    # Systems keep files such as ._a.jpg beside the images.
    assert not images.is_image_file(Path("folder") / f".{name}")


def test_one_number_stands_for_a_square() -> None:
    assert images.pair(3) == (3, 3)
    assert images.pair((3, 4)) == (3, 4)


@pytest.mark.parametrize(
    "kind",
    [
        (b"iCCP", b"icc\0\0" + zlib.compress(bytes(2_000_000))),
        (b"zTXt", b"workflow\0\0" + zlib.compress(b"abcd" * 500_000)),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b"<x/>" * 500_000)),
    ],
    ids=["profile", "compressed text", "international text"],
)
def test_a_png_with_large_metadata_is_read(kind: tuple[bytes, bytes]) -> None:
    name, content = kind
    chunk = len(content).to_bytes(4, "big") + name + content
    chunk += zlib.crc32(name + content).to_bytes(4, "big")
    png = encode(picture(), "PNG")
    np.testing.assert_array_equal(images.decode(png[:33] + chunk + png[33:]), picture())
