"""Fixtures for the tests of plugins, a plugin of pytest; nothing is imported before one is used."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from dlcv.api import Trained
    from dlcv.interfaces import Plugin

CLASSES = ("blue", "green", "red")
COUNT = 12
SIZE = 16


@pytest.fixture(scope="session")
def dlcv_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three class folders of 12 color images, 16 x 16 pixels; leave it unchanged."""
    import cv2
    import numpy as np

    folder = tmp_path_factory.mktemp("dlcv") / "photos"
    rng = np.random.default_rng(0)
    for channel, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for number in range(COUNT):
            image = rng.integers(0, 100, (SIZE, SIZE, 3), np.uint8)
            # OpenCV writes blue first.
            image[..., channel] += 120
            assert cv2.imwrite(str(folder / name / f"{number:02d}.png"), image)
    return folder


@pytest.fixture(scope="session")
def dlcv_packed(dlcv_photos: Path) -> Path:
    """The images of `dlcv_photos` as a packed data set, divided; leave it unchanged."""
    from dlcv.api import SplitConfig
    from dlcv_plugins.commands.data.pack.pack import pack

    out = dlcv_photos.with_name("packed")
    pack(str(dlcv_photos), out, preprocessors="", split=SplitConfig(), threads=1)
    return out


@pytest.fixture(scope="session")
def dlcv_run(dlcv_photos: Path) -> "Trained":
    """A finished run of one epoch on `dlcv_photos`, with all its files; leave it unchanged."""
    import dlcv

    return dlcv.run(
        data=str(dlcv_photos), architecture="shallownet(width=0.1)", preprocessors="scale",
        epochs=1, threads=1, name="tiny", runs=dlcv_photos.with_name("runs"),
    )  # fmt: skip


@pytest.fixture
def dlcv_register() -> "Iterator[Callable[[type[Plugin] | ModuleType, str], None]]":
    """Registers classes, and modules of hooks, each by the name that follows, for one test."""
    from dlcv import registry

    with ExitStack() as registrations:

        def register(plugin: "type[Plugin] | ModuleType", name: str) -> None:
            kind = plugin.kind if isinstance(plugin, type) else "hook"
            registrations.enter_context(registry.register(kind, name, plugin))

        yield register
