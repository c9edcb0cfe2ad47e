"""The fixtures for plugin authors, and tests made by one line."""

from pathlib import Path

import pytest
from fake_packages import run_python

from dlcv import registry
from dlcv.interfaces import Schedule, plugin
from dlcv.testing import checks_for, conformance
from dlcv_plugins.schedules.poly import Poly
from dlcv_plugins.schedules.step import Step

test_a_plugin_is_checked = conformance(Poly())
test_a_plugin_of_a_fixture_is_checked = conformance(Step, "step")


@pytest.fixture
def step() -> Step:
    return Step(at=(2,))


def test_each_check_is_a_case() -> None:
    (mark,) = test_a_plugin_is_checked.pytestmark
    assert mark.args[1] == checks_for(Poly)


def test_images_are_packed_and_a_run_is_trained_on_them(dlcv_photos, dlcv_packed, dlcv_run) -> None:
    assert {path.parent.name for path in dlcv_photos.glob("*/*.png")} == {"blue", "green", "red"}
    packed = registry.create("store", f'hdf5(path="{dlcv_packed}")')
    assert sum(len(packed.open(split)) for split in packed.splits()) == 36
    blue = packed.open("train").read([0])
    assert blue.shape == (1, 16, 16, 3)
    assert blue.mean(axis=(0, 1, 2)).argmax() == 2
    assert dlcv_run.directory.is_finished
    assert (dlcv_run.path / "model.keras").is_file()


@plugin
class Own(Schedule):
    """Is registered by a test."""

    def learning_rate(self, epoch: float, epochs: int, initial: float) -> float:
        return initial


def test_classes_are_registered_until_the_test_ends(dlcv_register) -> None:
    dlcv_register(Own, "own_schedule")
    assert registry.get("schedule", "own_schedule") is Own


def test_classes_of_another_test_are_gone() -> None:
    assert "own_schedule" not in registry.names("schedule")


def test_pytest_begins_without_what_is_heavy(tmp_path: Path) -> None:
    program = "import sys, dlcv_plugins.testing.fixtures; print(sorted(sys.modules))"
    loaded = run_python(tmp_path, "-c", program).stdout
    assert "'pytest'" in loaded
    assert not [name for name in ("numpy", "cv2", "keras", "dlcv.api") if f"'{name}'" in loaded]
