"""Ctrl+c, SIGTERM and SIGHUP: finish the step, keep everything, and only then stop."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from dlcv.api import signals


class Interrupted(BaseException):
    """Ends a training after a step; the checkpoint is written.

    Keras's own `stop_training` would still validate and run callbacks on half an epoch.

    Attributes:
        signal: The signal's number.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = number


class Interruption:
    """Whether somebody asked to stop.

    Attributes:
        signal: The signal's number, 0 as long as nobody asked.
    """

    signal = 0


@contextmanager
def deferred_signals() -> Iterator[Interruption]:
    """Notes the first SIGINT, SIGTERM or SIGHUP instead of acting on it; the second acts at once.

    Outside the main thread, where Python handles no signals, nothing is changed. Signals that the
    process ignores stay ignored.
    """
    asked = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def note(number: int, frame: FrameType | None) -> None:
        asked.signal = number
        if number == signal.SIGHUP:
            signals.leave_closed_terminal()
        for each, earlier in before.items():
            signal.signal(each, earlier if each == signal.SIGINT else signal.SIG_DFL)

    with signals.handled(note) as before:
        yield asked
