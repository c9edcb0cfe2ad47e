"""Ctrl+c, SIGTERM and SIGHUP while something is under way."""

import signal
import threading

import pytest

from dlcv_plugins.training.interruption import Interruption, deferred_signals

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_noted_and_handlers_come_back(number: signal.Signals) -> None:
    before = [signal.getsignal(n) for n in SIGNALS]
    with deferred_signals() as asked:
        assert asked.signal == 0
        signal.raise_signal(number)
        assert asked.signal == number
    assert [signal.getsignal(n) for n in SIGNALS] == before


def test_the_second_signal_acts_at_once() -> None:
    before = [signal.getsignal(n) for n in SIGNALS]
    with deferred_signals() as asked:
        signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert asked.signal == signal.SIGTERM
    assert [signal.getsignal(n) for n in SIGNALS] == before


def test_handlers_come_back_after_an_error() -> None:
    before = [signal.getsignal(n) for n in SIGNALS]
    with pytest.raises(ZeroDivisionError), deferred_signals():
        raise ZeroDivisionError
    assert [signal.getsignal(n) for n in SIGNALS] == before


def test_other_threads_change_nothing() -> None:
    before = [signal.getsignal(n) for n in SIGNALS]
    seen: list[Interruption] = []

    def work() -> None:
        with deferred_signals() as asked:
            assert [signal.getsignal(n) for n in SIGNALS] == before
            seen.append(asked)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert [asked.signal for asked in seen] == [0]
