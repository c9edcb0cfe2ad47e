"""Ctrl+c and SIGTERM: finish the step, keep everything, and only then stop."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


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
    """Notes the first SIGINT or SIGTERM instead of acting on it; the second acts at once.

    Outside the main thread, where Python handles no signals, nothing is changed.
    """
    asked = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def note(number: int, frame: FrameType | None) -> None:
        asked.signal = number
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    before = {n: signal.signal(n, note) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
