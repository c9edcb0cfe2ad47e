"""Several processes of one command: their variables, output, signals and ends."""

import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from dlcv_plugins.commands import launch
from dlcv_plugins.commands.launch import run_together


def together(program: str, count: int = 2) -> int:
    """Runs a Python program, which knows its number as `index`."""
    begin = "import os, sys, time; index = int(os.environ['JAX_PROCESS_ID']);"
    return run_together([sys.executable, "-S", "-c", begin + program], count)


def test_each_process_learns_its_number_and_where_the_first_waits(tmp_path: Path) -> None:
    names = "'JAX_COORDINATOR_ADDRESS', 'JAX_NUM_PROCESSES', 'KERAS_BACKEND'"
    program = (
        f"open(f'{tmp_path}/{{index}}', 'w').write(' '.join(os.environ[n] for n in ({names})))"
    )

    assert together(program, 3) == 0

    texts = [(tmp_path / str(index)).read_text() for index in range(3)]
    address, count, back_end = texts[0].split()
    assert texts == [texts[0]] * 3
    assert address.startswith("127.0.0.1:")
    assert (count, back_end) == ("3", os.environ.get("KERAS_BACKEND", "jax"))


def test_first_process_alone_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    assert together("print('this is', index)") == 0

    assert capfd.readouterr().out == "this is 0\n"


def test_failure_of_one_ends_the_others_and_is_shown(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "SECONDS_ALONE", 0.2)
    begin = time.monotonic()

    code = together("time.sleep(0 if index else 60); sys.exit('no such image')")

    assert code == 1
    assert time.monotonic() - begin < 10
    assert capfd.readouterr().err == "process 2 of 2: no such image\n"


def test_worst_exit_code_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert together("sys.exit(index)", 3) == 2
    assert together("os.kill(os.getpid(), 9) if index else None") == 137


def test_signal_reaches_all_once(tmp_path: Path) -> None:
    program = (
        "import signal; counted = [];"
        "signal.signal(signal.SIGTERM, lambda *_: counted.append(1));"
        f"open(f'{tmp_path}/{{index}}', 'w');"
        "limit = time.monotonic() + 10\n"
        "while not counted and time.monotonic() < limit: time.sleep(0.01)\n"
        "time.sleep(0.2); sys.exit(10 + len(counted))"
    )

    def send() -> None:
        while len(list(tmp_path.iterdir())) < 2:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    sender = threading.Thread(target=send)
    sender.start()
    code = together(program)
    sender.join()

    assert code == 11


def is_alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("failing", [True, False])
def test_none_is_left_behind_when_starting_ends(
    monkeypatch: pytest.MonkeyPatch, failing: bool
) -> None:
    started: list[int] = []

    class Popen(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *args: object, **options: object) -> None:
            if started and failing:
                raise OSError(11, "Resource temporarily unavailable")
            super().__init__(*args, **options)  # type: ignore[call-overload]
            started.append(self.pid)
            if not failing:
                os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(launch.subprocess, "Popen", Popen)
    with pytest.raises((OSError, SystemExit)) as raised:
        together("time.sleep(60)", 3)
    assert failing or raised.value.args == (143,)
    assert len(started) == 1
    assert not any(map(is_alive, started))


@pytest.mark.parametrize("command", [["python", "x.py"], ["dlcv"], ["dlcv", "search"]])
def test_other_commands_are_refused(command: list[str]) -> None:
    done = CliRunner().invoke(launch.launch, ["-n", "2", "--", *command])

    assert "dlcv launch starts dlcv run, resume, finetune, not" in str(done.exception)


def test_jax_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    done = CliRunner().invoke(launch.launch, ["-n", "2", "--", "dlcv", "run"])

    assert str(done.exception) == "several processes train together by JAX: pip install 'dlcv[jax]'"
