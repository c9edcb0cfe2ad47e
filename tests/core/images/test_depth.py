"""Samples of 16 bits become the 8 that a store's option names, wherever they are read."""

import io
import logging
from pathlib import Path

import cv2
import forked
import numpy as np
import pytest
from PIL import Image

from dlcv import images, registry
from dlcv.images import depth
from dlcv.runs.inputs import open_inputs

SAMPLES = np.array([[0, 255, 256, 4095], [4096, 16383, 32768, 65535]], np.uint16)


def encoded(extension: str, samples: np.ndarray) -> bytes:
    if extension == ".jp2":
        content = io.BytesIO()
        Image.fromarray(samples).save(content, "JPEG2000")
        return content.getvalue()
    if extension == ".jxl":
        imagecodecs = pytest.importorskip("imagecodecs")
        return bytes(imagecodecs.jpegxl_encode(samples, lossless=True))
    return cv2.imencode(extension, samples)[1].tobytes()


@pytest.mark.parametrize("extension", [".png", ".tif", ".jp2", ".jxl"])
@pytest.mark.parametrize(
    ("bit_depth", "expected"),
    [
        (16, [[0, 0, 1, 15], [16, 63, 128, 255]]),
        (12, [[0, 15, 16, 255], [255, 255, 255, 255]]),
        (8, [[0, 255, 255, 255], [255, 255, 255, 255]]),
        ("stretch", [[0, 1, 1, 16], [16, 64, 128, 255]]),
    ],
)
def test_the_bits_that_are_used_become_bytes(extension, bit_depth, expected) -> None:
    content = encoded(extension, SAMPLES)
    grey = images.decode(content, "grayscale", bit_depth)
    color = images.decode(content, "rgb", bit_depth)

    np.testing.assert_array_equal(grey[..., 0], expected)
    np.testing.assert_array_equal(color, np.repeat(grey, 3, axis=2))


def test_colors_of_16_bits_are_scaled_alike() -> None:
    bgr = np.random.default_rng(0).integers(0, 4096, (5, 7, 3)).astype(np.uint16)
    for extension in (".png", ".tif"):
        decoded = images.decode(encoded(extension, bgr), bit_depth=12)
        np.testing.assert_array_equal(decoded, bgr[..., ::-1] >> 4)


@pytest.mark.parametrize("bit_depth", [12, "stretch"])
def test_images_of_8_bits_are_read_as_ever(bit_depth) -> None:
    content = encoded(".png", np.arange(24, dtype=np.uint8).reshape(4, 6))
    np.testing.assert_array_equal(
        images.decode(content, bit_depth=bit_depth), images.decode(content)
    )


def test_black_images_are_hinted_at_once(caplog: pytest.LogCaptureFixture) -> None:
    depth._hint.cache_clear()
    for extension in (".png", ".tif", ".png"):
        images.decode(encoded(extension, SAMPLES % 4096))
    images.decode(encoded(".png", SAMPLES))
    images.decode(encoded(".png", SAMPLES % 4096), bit_depth=12)

    (record,) = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert "use the lowest 12 only, so they are nearly black" in record.message
    assert record.message.endswith("the store's option bit_depth=12 reads these")


def test_every_store_of_files_has_the_option() -> None:
    for name in ("folder", "csv", "file_names", "tiny_imagenet"):
        store = registry.create("store", f"{name}(path=x, bit_depth=stretch)")
        assert store.bit_depth == "stretch"


def test_fingerprint_tells_the_depths_apart(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(encoded(".png", SAMPLES))
    opened = [open_inputs([str(tmp_path / "1.png")], 3, bits) for bits in (16, 12, "stretch")]
    assert len({each.fingerprint() for each in opened}) == 3


@pytest.fixture(scope="module")
def microscope(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of 12 bits: the left half is brighter, or the right."""
    root = tmp_path_factory.mktemp("microscope")
    rng = np.random.default_rng(0)
    for label in (0, 1):
        folder = root / "cells" / ("left", "right")[label]
        folder.mkdir(parents=True)
        for number in range(20):
            samples = rng.integers(0, 1024, (8, 8))
            samples[:, 4 * label : 4 * label + 4] += 3072
            (folder / f"{number}.png").write_bytes(encoded(".png", samples.astype(np.uint16)))
    return root


@pytest.mark.slow
def test_a_run_predicts_images_as_it_was_trained(microscope: Path) -> None:
    """From the files and from a packed data set, whose description keeps the depth."""
    data = "folder(path=cells, bit_depth=12)"
    built = forked.dlcv("data", "build", data, "--out", "packed", "--size", "8", folder=microscope)
    assert built.returncode == 0, built.stderr
    for source in (data, "packed"):
        trained = forked.dlcv(
            "run", "--data", source, "--arch", "mlp", "--epochs", "8", "--learning-rate", "0.1",
            "--name", "run", "--force", "--quiet", folder=microscope, has_pictures=False,
        )  # fmt: skip
        assert trained.returncode == 0, trained.stderr
        found = forked.dlcv("predict", "runs/run", "cells", "--json", folder=microscope)
        assert found.stdout.count('"classes": [\n      {\n        "label": "left"') == 20
    again = forked.dlcv("evaluate", "runs/run", "--data", "cells", folder=microscope)
    assert "100.00 %" in again.stdout, again.stdout
