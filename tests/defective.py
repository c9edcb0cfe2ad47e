"""A data set with each defect once, made from pictures that are different enough."""

import io
import shutil
import zlib
from pathlib import Path

import numpy as np
from PIL import Image


def picture(seed: int, size: tuple[int, int] = (60, 80)) -> Image.Image:
    """A picture of large colored blots, which survives scaling and compression."""
    rng = np.random.default_rng(seed)
    blots = Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8))
    return blots.resize((size[1], size[0]), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, format: str, **options) -> bytes:
    content = io.BytesIO()
    image.save(content, format, **options)
    return content.getvalue()


def png_claiming(width: int, height: int) -> bytes:
    """A PNG that promises a size and has 1 x 1 pixels."""
    content = bytearray(encoded(Image.new("RGB", (1, 1)), "PNG"))
    content[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    return bytes(content)


def deep_png() -> bytes:
    """A grey PNG of 16 bits."""
    values = np.asarray(picture(900).convert("L")).astype(np.uint16) * 257
    return encoded(Image.fromarray(values), "PNG")


def with_orientation(image: Image.Image, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(image, "JPEG", exif=exif)


def transparent(seed: int, alpha: int) -> bytes:
    image = picture(seed).convert("RGBA")
    image.paste((0, 0, 0, alpha), (0, 0, 20, 20))
    return encoded(image, "PNG")


def animation(format: str, seed: int) -> bytes:
    frames = [picture(seed + n) for n in range(3)]
    return encoded(frames[0], format, save_all=True, append_images=frames[1:])


def closed_after_cut(content: bytes) -> bytes:
    return content[: len(content) // 2] + b"\xff\xd9"


JPEG = encoded(picture(800), "JPEG", quality=95)
FILES = {
    "train/cat/cut.jpg": JPEG[: len(JPEG) // 2],
    "train/cat/cut-and-closed.jpg": closed_after_cut(JPEG),
    "train/cat/cut-and-closed-progressive.jpg": closed_after_cut(
        encoded(picture(801), "JPEG", quality=95, progressive=True)
    ),
    "train/cat/empty.png": b"",
    "train/cat/text.jpg": b"not found\n",
    "train/cat/ppm.jpg": encoded(picture(802), "PPM"),
    "train/cat/bomb.png": png_claiming(10_001, 10_000),
    "train/cat/larger-bomb.png": png_claiming(40_000, 40_000),
    "train/cat/really-png.jpg": encoded(picture(803), "PNG"),
    "train/cat/turned.jpg": with_orientation(picture(804), 6),
    "train/cat/upright.jpg": with_orientation(picture(805), 1),
    "train/cat/animated.webp": animation("WEBP", 810),
    "train/cat/animated.png": animation("PNG", 820),
    "train/cat/see-through.png": transparent(830, 0),
    "train/cat/opaque.png": transparent(831, 255),
    "train/cat/deep.png": deep_png(),
    "train/cat/inks.jpg": encoded(picture(832).convert("CMYK"), "JPEG"),
    "train/cat/blank.png": encoded(Image.new("RGB", (60, 80), "red"), "PNG"),
    "train/cat/dot.png": encoded(Image.new("RGB", (1, 1), "blue"), "PNG"),
    "train/cat/grey.jpg": encoded(picture(833).convert("L"), "JPEG"),
    "train/cat/panorama.jpg": encoded(picture(834, (60, 300)), "JPEG"),
}
"""Content by name; what is wrong is in the name."""
NOT_READ = {
    "train/cat/phone.dng": b"?",
    "train/cat/notes.txt": b"a note",
    "train/cat/.DS_Store": b"?",
    "train/loose.png": encoded(picture(840), "PNG"),
}
"""Files that belong to no class."""


def write(root: Path) -> Path:
    """Writes a data set of cats and dogs, 40 good images of each for training and 10 for testing.

    Beside the files above there are copies: exact, resized, mirrored and under another label.
    """
    for number, name in enumerate(
        f"{split}/{label}/{n:02d}.jpg"
        for split, count in (("train", 40), ("test", 10))
        for label in ("cat", "dog")
        for n in range(count)
    ):
        put(root / name, encoded(picture(number), "JPEG", quality=92))
    for name, content in {**FILES, **NOT_READ}.items():
        put(root / name, content)
    train, test = root / "train", root / "test"
    shutil.copy(train / "dog" / "00.jpg", test / "dog" / "exact.jpg")
    shutil.copy(train / "dog" / "01.jpg", train / "cat" / "exact-dog.jpg")
    shutil.copy(train / "dog" / "02.jpg", train / "dog" / "exact.jpg")
    small = Image.open(train / "dog" / "03.jpg").resize((40, 30))
    put(test / "dog" / "resized.jpg", encoded(small, "JPEG", quality=70))
    mirrored = Image.open(train / "dog" / "04.jpg").transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    put(test / "dog" / "mirrored.jpg", encoded(mirrored, "JPEG"))
    put(train / "cat" / "resized-dog.png", encoded(Image.open(train / "dog" / "05.jpg"), "WEBP"))
    return root


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
