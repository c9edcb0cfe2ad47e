"""The time of `dlcv auto`: work that may take only so long, and signals."""

import os
import signal
import time

import pytest

from dlcv.api import deferred_signals
from dlcv_plugins.commands.auto.clock import Clock, OutOfTimeError, StoppedError


@pytest.fixture
def clock():
    made = Clock(60.0)
    with made.noting_signals():
        yield made


def test_work_that_takes_longer_is_ended_and_the_next_is_not(clock):
    start = time.monotonic()
    with pytest.raises(OutOfTimeError), clock.limited(0.05):
        time.sleep(5)
    assert time.monotonic() - start < 1
    with clock.limited(0.5):
        pass
    time.sleep(0.05)
    with pytest.raises(OutOfTimeError), clock.limited(0.05):
        time.sleep(5)
    assert clock.stopped_by == 0


def test_time_ends_work_that_a_shell_lets_ignore_ctrl_c():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        clock = Clock(60.0)
        with clock.noting_signals():
            with pytest.raises(OutOfTimeError), clock.limited(0.05):
                time.sleep(1)
            with pytest.raises(OutOfTimeError), clock.limited(0.05):
                clock.finished(Run(0))
    finally:
        signal.signal(signal.SIGINT, before)


class SlowlyCollected:
    """An object that takes long to be collected; what is raised then is printed and lost."""

    def __init__(self):
        self.ended = []

    def __del__(self):
        time.sleep(0.15)
        self.ended.append(True)


def test_time_that_is_up_while_garbage_is_collected_ends_what_comes_after(clock):
    def work(collected):
        ended = collected.ended
        del collected
        assert ended
        time.sleep(5)

    with pytest.raises(OutOfTimeError), clock.limited(0.05):
        work(SlowlyCollected())


def interrupted_sleep():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(1)


def test_ctrl_c_ends_the_work_and_is_told_from_the_end_of_the_time(clock):
    with pytest.raises(StoppedError), clock.limited(5):
        interrupted_sleep()
    assert clock.stopped_by == signal.SIGINT


class Run:
    """A training that is stopped after a step of a hundredth of a second."""

    def __init__(self, number):
        with deferred_signals() as asked:
            if number:
                os.kill(os.getpid(), number)
            deadline = time.monotonic() + 1
            while not asked.signal and time.monotonic() < deadline:
                time.sleep(0.01)
        self.stopped_by = asked.signal


@pytest.mark.parametrize(
    ("seconds", "number", "error"), [(0.05, 0, OutOfTimeError), (5, signal.SIGTERM, StoppedError)]
)
def test_work_that_defers_signals_ends_after_its_step(clock, seconds, number, error):
    with pytest.raises(error), clock.limited(seconds):
        clock.finished(Run(number))
    assert clock.stopped_by == number


@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_signal_outside_of_limited_work_ends_with_its_own_code(number, error):
    clock = Clock(60.0)
    with pytest.raises(error) as ended, clock.noting_signals():
        os.kill(os.getpid(), number)
    assert clock.stopped_by == number
    assert getattr(ended.value, "code", None) == (128 + number if error is SystemExit else None)


def test_first_signal_is_deferred_and_the_second_ends_all(clock):
    with clock.deferring_signals():
        os.kill(os.getpid(), signal.SIGINT)
        assert clock.stopped_by == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            interrupted_sleep()
