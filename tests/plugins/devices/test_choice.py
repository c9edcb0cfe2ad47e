"""What a command computes on: what can be asked for, and what is refused in one line."""

from pathlib import Path

import pytest

from dlcv.errors import DlcvError
from dlcv_plugins.devices import choice
from dlcv_plugins.devices.choice import Choice
from dlcv_plugins.devices.options import DEVICE, DEVICES
from dlcv_plugins.devices.processes import Group


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begins each test as a new process does."""
    monkeypatch.setattr(choice, "_made", None)
    for name in (DEVICE, DEVICES):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("device", "devices", "expected"),
    [
        (None, None, Choice()),
        ("cpu", None, Choice("cpu")),
        ("gpu", "4", Choice("gpu", None, 4)),
        ("gpu:1", "1", Choice("gpu", 1)),
    ],
)
def test_choice_is_read(device: str | None, devices: str | None, expected: Choice) -> None:
    given = {DEVICE: device, DEVICES: devices}

    assert Choice.read({k: v for k, v in given.items() if v is not None}) == expected


@pytest.mark.parametrize(
    ("device", "devices", "message"),
    [
        ("tpu", "1", '--device: expected cpu, gpu or gpu:1, received "tpu"'),
        ("cpu:1", "1", '--device: expected cpu, gpu or gpu:1, received "cpu:1"'),
        ("gpu:-1", "1", '--device: expected cpu, gpu or gpu:1, received "gpu:-1"'),
        ("cpu", "0", '--devices: expected a number > 0, received "0"'),
        ("cpu", "two", '--devices: expected a number > 0, received "two"'),
        ("gpu:1", "2", "--device gpu:1 is one device; write gpu for 2 of them"),
    ],
)
def test_wrong_choice_is_refused(device: str, devices: str, message: str) -> None:
    with pytest.raises(DlcvError) as refused:
        Choice.read({DEVICE: device, DEVICES: devices})

    assert str(refused.value) == message


def test_gpu_that_is_not_there_is_named() -> None:
    with pytest.raises(DlcvError, match=r"^--device gpu:7: TensorFlow finds no gpu here$"):
        choice._choose_tensorflow(Choice("gpu", 7))


def test_more_processes_than_gpus_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "0000:01:00.0").mkdir()
    monkeypatch.setattr(choice, "GPUS", tmp_path)
    monkeypatch.setenv("JAX_LOCAL_DEVICE_IDS", "1")
    group = Group("here:1", 2, 1)
    error = RuntimeError("Unable to initialize backend 'cuda': INTERNAL: no device 1")
    lost = RuntimeError("connection closed")

    with pytest.raises(DlcvError) as refused:
        choice._refuse_missing_gpu(error, group)
    assert str(refused.value) == (
        "process 2 of 2 is to compute on GPU 1, counted from 0, and this machine has 1 GPU; start "
        "no more processes with dlcv launch -n than there are GPUs, or add --device cpu"
    )
    choice._refuse_missing_gpu(lost, group)
    monkeypatch.delenv("JAX_LOCAL_DEVICE_IDS")
    choice._refuse_missing_gpu(error, group)


def test_several_devices_need_jax(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DEVICES, "2")

    with pytest.raises(
        DlcvError, match=r"^--devices 2: TensorFlow trains on one device here; use J"
    ):
        choice.choose("tensorflow")


def test_devices_stay_once_something_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    choice.choose("tensorflow")
    monkeypatch.setenv(DEVICE, "cpu")

    with pytest.raises(DlcvError, match=r"^TensorFlow computes already in this process"):
        choice.choose("tensorflow")
