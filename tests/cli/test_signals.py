"""Ctrl+c, SIGTERM and SIGHUP at any moment of a command: one line at most, and its exit code."""

import fcntl
import os
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from fake_packages import run_python

BEGUN = """
import sys
before = set(sys.modules)
import dlcv.__main__
print(*sorted(set(sys.modules) - before))
"""
AT_IMPORT = """
import os, signal, sys

class Sender:
    count = 0
    def find_spec(self, name, path, target=None):
        if signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
            self.count += 1
        if at in (str(self.count), name):
            os.kill(os.getpid(), number)

at, number, *sys.argv[1:] = sys.argv[1:]
number = int(number)
sys.meta_path.insert(0, Sender())
from dlcv.__main__ import main
main()
"""
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
IN_SESSION = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "dlcv", *sys.argv[1:]])
"""


def test_signals_are_handled_before_anything_is_imported(tmp_path: Path) -> None:
    imported = set(run_python(tmp_path, "-c", BEGUN).stdout.split())
    assert {"dlcv.__main__", "dlcv.signals"} <= imported
    assert not {"typing", "re", "click", "importlib.metadata", "dlcv.errors"} & imported


@pytest.mark.parametrize(
    ("at", "number", "arguments"),
    [
        ("1", signal.SIGINT, ["--version"]),
        ("20", signal.SIGTERM, ["--version"]),
        ("80", signal.SIGINT, ["plugins", "list"]),
        ("dlcv.cli.plugins", signal.SIGHUP, ["plugins", "show", "mean", "--debug"]),
        ("tensorflow.python.ops", signal.SIGINT, ["run", "--arch", "lenet"]),
        ("keras.src.models", signal.SIGTERM, ["run", "--arch", "lenet", "--quiet"]),
    ],
)
def test_a_signal_during_imports_ends_with_one_line(
    tmp_path: Path, at: str, number: signal.Signals, arguments: list[str]
) -> None:
    ended = run_python(tmp_path, "-c", AT_IMPORT, at, str(int(number)), *arguments)
    assert ended.stderr == "dlcv: stopped\n"
    assert ended.returncode == CODES[number]


@pytest.mark.parametrize("noted", ["contextlib.nullcontext()", "deferred_signals()"])
def test_what_a_signal_breaks_is_no_error_of_its_own(tmp_path: Path, noted: str) -> None:
    """Neither at first, nor once a training has noted one."""
    program = (
        "import contextlib, signal, sys\n"
        "import dlcv.__main__, dlcv.cli.main\n"
        "from dlcv_plugins.training.interruption import deferred_signals\n"
        "def fail(**_):\n"
        f"    with {noted} as asked:\n"
        "        if asked: signal.raise_signal(signal.SIGINT)\n"
        "        break_off()\n"
        "def break_off():\n"
        "    try: signal.raise_signal(signal.SIGINT)\n"
        "    except KeyboardInterrupt: raise SystemError('initialization failed')\n"
        "dlcv.cli.main.dlcv.main = fail\n"
        "dlcv.__main__.main()\n"
    )
    ended = run_python(tmp_path, "-c", program)
    assert (ended.returncode, ended.stderr) == (130, "dlcv: stopped\n")


@pytest.mark.parametrize("number", CODES)
def test_a_signal_while_an_object_is_deleted_is_not_lost(
    tmp_path: Path, number: signal.Signals
) -> None:
    program = (
        "import signal, sys, time\n"
        "import dlcv.__main__, dlcv.cli.main\n"
        "class Deleted:\n"
        "    def __del__(self):\n"
        f"        signal.raise_signal({int(number)})\n"
        "def wait(**_):\n"
        "    Deleted()\n"
        "    time.sleep(5)\n"
        "dlcv.cli.main.dlcv.main = wait\n"
        "dlcv.__main__.main()\n"
    )
    ended = run_python(tmp_path, "-c", program)
    assert ended.stderr == "dlcv: stopped\n"
    assert ended.returncode == CODES[number]


def test_what_a_signal_leaves_half_made_says_nothing(tmp_path: Path) -> None:
    program = (
        "import signal\n"
        "import dlcv.__main__, dlcv.cli.main\n"
        "class HalfMade:\n"
        "    def __init__(self):\n"
        "        signal.raise_signal(signal.SIGINT)\n"
        "        self.handle = 1\n"
        "    def __del__(self):\n"
        "        del self.handle\n"
        "dlcv.cli.main.dlcv.main = lambda **_: HalfMade()\n"
        "dlcv.__main__.main()\n"
    )
    ended = run_python(tmp_path, "-c", program)
    assert ended.stderr == "dlcv: stopped\n"
    assert ended.returncode == 130


def test_ignored_signals_stay_ignored(tmp_path: Path) -> None:
    program = (
        "import signal\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "from dlcv import signals\n"
        "signals.end_command()\n"
        "assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN\n"
        "from dlcv_plugins.training.interruption import deferred_signals\n"
        "with deferred_signals() as asked: signal.raise_signal(signal.SIGHUP)\n"
        "print(asked.signal)\n"
    )
    assert run_python(tmp_path, "-c", program).stdout == "0\n"


def test_a_run_whose_terminal_is_closed_saves_everything(tmp_path: Path) -> None:
    ours, terminal = os.openpty()
    arguments = ("--arch", "lenet(width=0.1)", "--epochs", "500", "--threads", "1", "--name", "r")
    process = subprocess.Popen(
        [sys.executable, "-c", IN_SESSION, "run", *arguments],
        cwd=tmp_path, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
    )  # fmt: skip
    os.close(terminal)
    history = tmp_path / "runs/r/history.csv"
    end = time.monotonic() + 60
    while not (history.exists() and history.read_text().count("\n") > 2):
        assert process.poll() is None
        assert time.monotonic() < end
        fcntl.ioctl(ours, termios.FIONREAD, bytes(4))
        os.set_blocking(ours, False)
        try:
            os.read(ours, 100_000)
        except BlockingIOError:
            time.sleep(0.05)
    os.close(ours)
    assert process.wait(30) == 129
    assert list((tmp_path / "runs/r/checkpoints").iterdir())
    assert not list((tmp_path / "runs/r").glob(".*.tmp*"))
