"""What tests share: small images on disk, and the real ones where they are at hand."""

import gc
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pictures
import pytest

if TYPE_CHECKING:
    from dlcv.runs.run import Run
    from dlcv_plugins.trainers.features.features import Features

# A shell lets what it starts in the background ignore ctrl+c, and so would the processes that the
# tests start and stop.
signal.signal(signal.SIGINT, signal.default_int_handler)
# `nohup` lets it ignore a closed terminal.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("MPLBACKEND", "Agg")
# What a test finds out about images is nothing for the user's cache, nor for the next test run.
os.environ["DLCV_CACHE"] = tempfile.mkdtemp(prefix="dlcv-test-cache-")
# Modules of tests import Keras and much else, which stays. Searching it for garbage takes longer
# than many tests do.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def without_pictures() -> Iterator[None]:
    """Lets the runs of all tests do without curves and reports."""
    with pictures.switched(on=False):
        yield


@pytest.fixture
def with_pictures(without_pictures: None) -> Iterator[None]:
    """Lets the runs of a test draw curves and write reports."""
    with pictures.switched(on=True):
        yield


def write_image(path: Path, image: np.ndarray) -> Path:
    """Writes an `(H, W, 3)` RGB or `(H, W, 1)` grey uint8 image in the format of its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ok, content = cv2.imencode(path.suffix, image[..., ::-1])
    assert ok
    path.write_bytes(content.tobytes())
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder of class folders whose classes differ in color, with images of many sizes."""

    def make(
        classes: tuple[str, ...] = ("blue", "green", "red"),
        count: int = 10,
        size: tuple[int, int] | None = None,
        name: str = "photos",
    ) -> Path:
        return write_photos(tmp_path / name, classes, count, size)

    return make


def write_photos(
    root: Path, classes: tuple[str, ...], count: int, size: tuple[int, int] | None = None
) -> Path:
    """Writes the images that `photos` gives."""
    rng = np.random.default_rng(0)
    for label, class_name in enumerate(classes):
        for number in range(count):
            height, width = size or rng.integers(20, 48, 2)
            image = rng.integers(0, 80, (height, width, 3), np.uint8)
            image[..., label % 3] += 150
            write_image(root / class_name / f"{number:03d}.png", image)
    return root


@pytest.fixture
def real_data() -> Path:
    """The folder with the unpacked real data sets."""
    folder = os.environ.get("DLCV_TEST_DATA")
    if not folder:
        pytest.skip("DLCV_TEST_DATA names no folder with the real data sets")
    return Path(folder)


def write_colors(root: Path, classes: tuple[str, ...], count: int, seed: int) -> Path:
    """Writes 16 x 16 images of up to six classes that differ in color."""
    rng = np.random.default_rng(seed)
    for label, name in enumerate(classes):
        for number in range(count):
            image = rng.integers(0, 100, (16, 16, 3), np.uint8)
            image[..., label % 3] += 120
            if label > 2:
                image[:8] //= 3
            write_image(root / name / f"{number:03d}.png", image)
    return root


@pytest.fixture(scope="session")
def flowers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of four classes, 14 of each, not to be changed."""
    root = tmp_path_factory.mktemp("data")
    return write_colors(root / "flowers", ("daisy", "iris", "rose", "tulip"), 14, 0)


@pytest.fixture(scope="session")
def base_run(tmp_path_factory: pytest.TempPathFactory) -> "Run":
    """A run on three classes that are no flowers, to transfer from."""
    import dlcv

    root = tmp_path_factory.mktemp("base")
    data = write_colors(root / "colors", ("blue", "green", "red"), 12, 1)
    return dlcv.run(
        data=str(data), architecture="lenet(width=0.2)", epochs=1, batch_size=4, name="base",
        runs=root / "runs", threads=1,
    )  # fmt: skip


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory: pytest.TempPathFactory) -> "Run":
    """A run on grey images of 36 x 36 pixels, not to be changed."""
    import dlcv

    return dlcv.run(
        architecture="lenet(width=0.2)", optimizer="sgd", epochs=1, fraction=0.1, threads=1,
        name="small", runs=tmp_path_factory.mktemp("digits") / "runs",
    )  # fmt: skip


@pytest.fixture(scope="session")
def made_with(flowers: Path) -> dict[str, Any]:
    """What `features` are extracted with."""
    return {"data": str(flowers), "threads": 1, "batch_size": 8}


@pytest.fixture(scope="session")
def features(
    base_run: "Run", made_with: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> "Features":
    """The features of the flowers' photos, not to be changed."""
    import dlcv

    out = tmp_path_factory.mktemp("features") / "features"
    return dlcv.extract(base_run.path, out, layer="dense1_relu", **made_with)
