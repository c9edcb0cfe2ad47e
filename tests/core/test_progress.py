"""Progress: plain lines in a log, a bar on a terminal."""

import contextlib
import logging
import os
import pty
import subprocess
import sys

import pytest

from dlcv import progress

WORK = """
import logging
from dlcv.progress import track
logging.getLogger("dlcv").setLevel({level})
with track("packing", 40, "images") as advance:
    for _ in range(4):
        advance(10)
"""


def test_a_log_gets_a_line_now_and_then_with_rate_and_time_left(caplog, monkeypatch):
    caplog.set_level(logging.INFO, "dlcv")
    clock = iter([0, 5, 10, 10, 15, 20, 20, 40, 40])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with progress.track("packing", 100, "images") as advance:
        for _ in range(5):
            advance(10)
    assert caplog.messages == [
        "packing: 20 of 100, 2 images/s, 40 s left",
        "packing: 40 of 100, 2 images/s, 30 s left",
        "packing: 50 of 100, 1 images/s, 40 s left",
    ]


def test_work_that_goes_on_tells_its_own_rate_and_a_note(caplog, monkeypatch):
    caplog.set_level(logging.INFO, "dlcv")
    clock = iter([0, 10, 10])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with progress.track("epoch 2/3", 100, "images", done=60) as advance:
        advance(20, "loss 0.123")
    assert caplog.messages == ["epoch 2/3: 80 of 100, 2 images/s, 10 s left, loss 0.123"]


def test_short_work_says_nothing(caplog):
    caplog.set_level(logging.INFO, "dlcv")
    with progress.track("packing", 10, "images") as advance:
        advance(10)
    assert caplog.messages == []


def test_a_terminal_shows_what_is_waited_for_and_clears_it(monkeypatch, capsys):
    monkeypatch.setattr(progress, "shows_bars", lambda: True)
    with progress.waiting("starting"):
        assert capsys.readouterr().err == "starting ...\r"
    assert capsys.readouterr().err == "            \r"
    monkeypatch.setattr(progress, "shows_bars", lambda: False)
    with progress.waiting("starting"):
        pass
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("level", "shown"), [(logging.INFO, True), (logging.WARNING, False)])
def test_a_terminal_gets_a_bar_unless_it_shall_be_quiet(level, shown):
    master, slave = pty.openpty()
    command = [sys.executable, "-c", WORK.format(level=level)]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
    done = subprocess.run(command, stderr=slave, stdout=subprocess.PIPE, env=environment)
    os.close(slave)
    output = b""
    with contextlib.suppress(OSError):  # what a terminal raises at its end
        while True:
            output += os.read(master, 10_000)
    os.close(master)
    assert done.returncode == 0
    assert done.stdout == b""
    assert (b"packing" in output and b"40/40" in output and b"images/s" in output) == shown
    assert bool(output) == shown


def test_what_fails_within_ends_the_bar_and_is_raised():
    with pytest.raises(ZeroDivisionError), progress.track("packing", 10, "images"):
        raise ZeroDivisionError
