"""Several processes: what the environment must name, what must not differ, and how they end."""

import os
from pathlib import Path

import numpy as np
import pytest

from dlcv.config import RunConfig
from dlcv.errors import DlcvError
from dlcv_plugins.devices import processes
from dlcv_plugins.devices.processes import Group, taking_part

NAMES = ("JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID")


def variables(*values: str) -> dict[str, str]:
    return dict(zip(NAMES, values, strict=False))


def test_group_is_read() -> None:
    assert Group.read(variables("one:1234", "2", "1")) == Group("one:1234", 2, 1)
    assert Group.read({"JAX_PLATFORMS": "cpu"}) is None
    assert Group.read(variables("one:1234", "1", "0")) is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (variables("one:1234"), "set JAX_NUM_PROCESSES and JAX_PROCESS_ID$"),
        (variables("", "2", "1"), "set JAX_COORDINATOR_ADDRESS$"),
        (variables("one:1234", "2", "2"), 'count from 0; they are "2" and "2"$'),
        (variables("one:1234", "two", "0"), 'count from 0; they are "two" and "0"$'),
        (variables("one", "2", "0"), 'expected HOST:PORT, received "one"$'),
    ],
)
def test_wrong_group_is_refused(given: dict[str, str], message: str) -> None:
    with pytest.raises(DlcvError, match=message):
        Group.read(given)


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Makes this process the second of two that have met, and gives the codes that it ends with."""
    for name, value in variables("one:1234", "2", "1").items():
        monkeypatch.setenv(name, value)
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    monkeypatch.setattr(processes.atexit, "register", lambda end: end())
    monkeypatch.setattr(processes, "_joining", None)
    monkeypatch.setattr(processes, "_training", "")
    return codes


def trained(tmp_path: Path, error: BaseException | None = None, **options: object) -> str:
    """Takes part until an error, and returns what was to be trained."""
    config = RunConfig(**{"data": "x", **options})
    raised = error or DlcvError("stopped")
    with pytest.raises((type(raised), DlcvError)) as info, taking_part(tmp_path, config, {}):
        raise raised
    return str(info.value) if error else processes._training


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SystemExit(143), 143),
        (SystemExit("text"), 1),
        (KeyboardInterrupt(), 130),
        (DlcvError("x"), 2),
        (ValueError("x"), 1),
    ],
)
def test_process_ends_with_the_code_of_its_error(
    second: list[int], tmp_path: Path, error: BaseException, code: int
) -> None:
    trained(tmp_path, error)
    assert second == [code]


def test_weights_that_differ_are_one_line(second: list[int], tmp_path: Path) -> None:
    error = AssertionError("<class 'x'> passed to device_put is not the same on each process.\nx")
    assert trained(tmp_path, error) == (
        "process 2 of 2: the processes begin with different networks or weights; start all with "
        "the same command, files of weights and plugins"
    )
    assert second == [2]


def test_settings_that_differ_are_refused_when_processes_meet(
    second: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = trained(tmp_path)
    # The same images may lie elsewhere, and a machine may have more processors.
    assert trained(tmp_path, data="y", threads=4) == first
    other = trained(tmp_path, seed=7)
    given: list[list[int]] = []

    def gathered(values: list[int]) -> np.ndarray:
        given.append(values)
        return np.array(given)

    monkeypatch.setattr(processes, "gathered", gathered)
    for content in (first, first):
        processes._refuse_difference(content, "settings", "start all anew")
    with pytest.raises(DlcvError, match=r"^process 3 has other settings than the first; start all"):
        processes._refuse_difference(other, "settings", "start all anew")
