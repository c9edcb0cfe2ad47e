"""Several processes: what the environment must name."""

import pytest

from dlcv.errors import DlcvError
from dlcv_plugins.devices.processes import Group

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
