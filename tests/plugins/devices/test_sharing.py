"""Several devices and processes give the losses and weights of one, to rounding."""

import csv
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pictures
import pytest

from dlcv.training import checkpoints

if importlib.util.find_spec("jax") is None:
    pytest.skip("JAX is not installed", allow_module_level=True)

SCENARIO, TINY = (Path(__file__).with_name(f"{name}.py") for name in ("scenario", "tiny"))
ENVIRONMENT = {
    **os.environ,
    "KERAS_BACKEND": "jax",
    "XLA_FLAGS": "--xla_force_host_platform_device_count=4",
    "PYTHONPATH": str(Path(pictures.__file__).parent),
    "NPROC": "1",
    # What one process has compiled, the next need not.
    "JAX_COMPILATION_CACHE_DIR": tempfile.mkdtemp(prefix="dlcv-test-jax-"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}


def figures(run: Path) -> np.ndarray:
    """The losses of a run's epochs, `(epochs, 2)`."""
    with open(run / "history.csv", newline="") as file:
        return np.array([[float(r["loss"]), float(r["val_loss"])] for r in csv.DictReader(file)])


def weights(run: Path) -> list[np.ndarray]:
    found = checkpoints.load_last(run / "checkpoints")
    assert found is not None
    return found[0].arrays


def compared(one: Path, other: Path) -> tuple[float, float]:
    """The largest difference of two runs' losses, and of their weights beside the largest one."""
    assert figures(one).shape == figures(other).shape
    loss = np.abs(figures(one) - figures(other)).max()
    pairs = zip(weights(one), weights(other), strict=True)
    return float(loss), max(_difference(a, b) for a, b in pairs)


def _difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - other).max() / max(1.0, np.abs(one).max()))


def ended(arguments: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**ENVIRONMENT, **variables}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on one device."""
    folder = tmp_path_factory.mktemp("devices")
    ended([str(SCENARIO), str(folder), "1"])
    return folder / "runs" / "1"


def options(one: Path, name: str) -> list[str]:
    """What `dlcv run` takes to train the same under another name."""
    config = one.parent.parent / "run.toml"
    return [
        "--config", str(config), "--runs", str(one.parent), "--name", name, "--plugin", str(TINY),
    ]  # fmt: skip


@pytest.mark.slow
def test_two_processes_of_two_devices_train_as_one_device(one: Path) -> None:
    launch = ["-m", "dlcv", "launch", "-n", "2", "--", "dlcv", "run", "--devices", "2"]
    done = ended([*launch, *options(one, "2x2")])
    loss, weight = compared(one, one.with_name("2x2"))

    assert loss < 1e-6
    assert weight < 1e-6
    assert "computes on process 1 of 2, 2 devices, cpu:0, cpu:1 (1 thread) with jax" in done.stderr
    assert done.stdout.startswith(f"\nrun       {one.with_name('2x2')}\n")
    written = {path.name for path in one.iterdir() if path.name != "preprocessing.npz"}
    assert written <= {path.name for path in one.with_name("2x2").iterdir()}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("statistics", ["moving", "precise"])
def test_two_processes_stop_early_after_the_same_epoch(one: Path, statistics: str) -> None:
    asked = ["--epochs", "12", "--early-stopping", "1", "--learning-rate", "1"]
    asked += ["--batch-statistics", statistics]
    alone, both = (one.with_name(f"{name}-{statistics}") for name in ("early-alone", "early-both"))
    ended(["-m", "dlcv", "run", *options(one, alone.name), *asked])
    launch = ["-m", "dlcv", "launch", "-n", "2", "--"]
    ended([*launch, "dlcv", "run", *options(one, both.name), *asked])
    loss, weight = compared(alone, both)

    assert 1 < len(figures(both)) < 12
    assert loss < 1e-4  # So large a rate makes much of a rounding.
    assert weight < 1e-3


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_members_of_two_processes_are_those_of_one(one: Path) -> None:
    asked = ["--members", "2", "--epochs", "3"]
    ended(["-m", "dlcv", "run", *options(one, "members"), *asked])
    launch = ["-m", "dlcv", "launch", "-n", "2", "--"]
    ended([*launch, "dlcv", "run", *options(one, "members-2"), *asked])
    alone, both = (one.with_name(name) for name in ("members", "members-2"))

    assert {path.name for path in alone.iterdir()} == {path.name for path in both.iterdir()}
    for number in ("1", "2"):
        loss, weight = compared(alone / "members" / number, both / "members" / number)
        assert loss < 1e-5
        assert weight < 1e-5


@pytest.mark.slow
def test_several_devices_of_one_process_train_as_one(one: Path) -> None:
    ended([str(SCENARIO), str(one.parent.parent), "2", "4"])

    for devices in ("2", "4"):
        loss, weight = compared(one, one.with_name(devices))
        assert loss < 1e-6
        assert weight < 1e-6


@pytest.mark.slow
def test_devices_that_are_not_there_are_named(one: Path) -> None:
    for given, message in (
        (["--devices", "5"], "dlcv: --devices 5: JAX finds only cpu:0, cpu:1, cpu:2, cpu:3 here\n"),
        (["--device", "gpu"], "dlcv: --device gpu: JAX finds no gpu here\n"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "dlcv", "run", *given, *options(one, "none"), "--quiet"],
            env=ENVIRONMENT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert done.stderr == message
        assert not one.with_name("none").exists()


def start(one: Path, name: str, index: int, port: int, *more: str) -> subprocess.Popen[str]:
    """Starts one of two processes."""
    variables = {
        "JAX_COORDINATOR_ADDRESS": f"127.0.0.1:{port}",
        "JAX_NUM_PROCESSES": "2",
        "JAX_PROCESS_ID": str(index),
    }
    asked = [*options(one, name), "--epochs", "6", "--quiet", *more]
    return subprocess.Popen(
        [sys.executable, "-m", "dlcv", "run", *asked],
        env={**ENVIRONMENT, **variables}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def await_epoch(run: Path, epoch: int) -> None:
    limit = time.monotonic() + 120
    while not any(run.glob(f"checkpoints/epoch_{epoch:04d}*")):
        assert time.monotonic() < limit
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_run_of_two_goes_on_with_one_two_and_four_after_a_kill(one: Path) -> None:
    ended(["-m", "dlcv", "run", *options(one, "straight"), "--epochs", "6"])
    first, second = (start(one, "killed", index, 45671) for index in range(2))
    await_epoch(one.with_name("killed"), 2)
    second.kill()
    second.communicate()
    errors = first.communicate(timeout=60)[1]

    assert first.returncode == 2
    assert "dlcv: process 1 of 2 can't compute further (" in errors.splitlines()[-1]
    for count in (1, 2, 4):
        run = shutil.copytree(one.with_name("killed"), one.with_name(f"killed-{count}"))
        resume = ["dlcv", "resume", str(run), "--plugin", str(TINY)]
        ended(["-m", "dlcv", "launch", "-n", str(count), "--", *resume])
        loss, weight = compared(one.with_name("straight"), run)
        assert loss < 1e-6
        assert weight < 1e-4


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_signal_in_one_process_stops_both_with_everything_saved(one: Path) -> None:
    first, second = (start(one, "stopped", index, 45672) for index in range(2))
    await_epoch(one.with_name("stopped"), 2)
    second.terminate()
    printed = first.communicate(timeout=60)[1]
    second.communicate(timeout=60)

    assert (first.returncode, second.returncode) == (143, 143)
    assert "stopped; everything is saved. Continue with:" in printed


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_processes_that_differ_end_with_a_line(one: Path) -> None:
    started = [start(one, "differing", i, 45673, "--seed", str(i)) for i in range(2)]
    for process in started:
        printed = process.communicate(timeout=120)[1]
        assert process.returncode == 2
        assert printed.splitlines()[-1] == (
            "dlcv: process 2 has other settings than the first; start all with the same command"
        )
    assert not one.with_name("differing").exists()
