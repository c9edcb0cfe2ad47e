"""The time of `dlcv auto`: what is left of it, and work that may take only so long."""

import gc
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import attrs

from dlcv.api import signals

CHECKED_AGAIN = 0.2
"""Seconds after which an alarm rings once more that came where an exception does harm."""
REPEATED = 20.0
"""Seconds after which it rings again, for libraries lose exceptions now and then."""


class OutOfTimeError(Exception):
    """Work took longer than it may."""


class StoppedError(Exception):
    """Somebody asked to stop, by ctrl+c or a signal."""


@attrs.define(eq=False)
class Clock:
    """The time that there is.

    Attributes:
        seconds: All of it.
        start: When it began, by `time.monotonic`.
        stopped_by: The number of the signal that asked to stop, 0 if none did.
    """

    seconds: float
    start: float = attrs.field(factory=time.monotonic)
    stopped_by: int = 0
    _is_up: bool = False
    _is_ringing: bool = False
    _is_deferring: bool = False

    @property
    def spent(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.start

    @property
    def left(self) -> float:
        """Seconds to the end."""
        return self.seconds - self.spent

    @contextmanager
    def noting_signals(self) -> Iterator[None]:
        """Notes the first signal that ends a command, and ends what runs; the second ends all."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def note(number: int, frame: FrameType | None) -> None:
            if not self._is_ringing:
                self.stopped_by = number
                for each, handler in before.items():
                    signal.signal(each, handler)
                if number == signal.SIGHUP:
                    signals.leave_closed_terminal()
                if self._is_deferring:
                    return
            raise self.ending

        with signals.handled(note) as before:
            yield

    @property
    def ending(self) -> BaseException:
        """What ends the command as the signal does that was noted."""
        if self.stopped_by in (0, signal.SIGINT):
            return KeyboardInterrupt()
        return SystemExit(128 + self.stopped_by)

    @contextmanager
    def deferring_signals(self) -> Iterator[None]:
        """Lets the block end although a signal comes, which is noted; the second ends all."""
        self._is_deferring = True
        try:
            yield
        finally:
            self._is_deferring = False

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Ends the block as ctrl+c would, after its step, when it has taken so long.

        Raises:
            OutOfTimeError: it has.
            StoppedError: somebody asked to stop.
        """
        self._is_up = False
        with _alarm(seconds, self._ring):
            try:
                yield
            except (KeyboardInterrupt, SystemExit):
                if self._is_up and not self.stopped_by:
                    raise OutOfTimeError from None
                self.stopped_by = self.stopped_by or signal.SIGINT
                raise StoppedError from None

    def finished(self, run: Any) -> Any:
        """Returns a run that was trained to its end.

        Raises:
            OutOfTimeError: it was stopped because its time was up.
            StoppedError: it was stopped by somebody.
        """
        if not run.stopped_by:
            return run
        if self._is_up and not self.stopped_by:
            raise OutOfTimeError
        self.stopped_by = self.stopped_by or run.stopped_by
        raise StoppedError

    def _ring(self, frame: FrameType | None) -> None:
        # What handles SIGTERM now knows how to stop: training after a step, others at once. Ctrl+c
        # is ignored by what a shell starts in the background.
        handler = signal.getsignal(signal.SIGTERM)
        self._is_up = self._is_ringing = True
        try:
            if callable(handler):
                handler(signal.SIGTERM, frame)
            else:
                raise KeyboardInterrupt
        finally:
            self._is_ringing = False


@contextmanager
def _alarm(seconds: float, ring: Callable[[FrameType | None], None]) -> Iterator[None]:
    """Calls a function within the block after so many seconds, but not where that does harm."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def rings(number: int, frame: FrameType | None) -> None:
        # An exception would leave modules half-made, or be printed and lost.
        if signals.is_within(frame, signals.IMPORTING) or _is_collecting(frame):
            signal.setitimer(signal.ITIMER_REAL, CHECKED_AGAIN, REPEATED)
        else:
            ring(frame)

    before = signal.signal(signal.SIGALRM, rings)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.01), REPEATED)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _is_collecting(frame: FrameType | None) -> bool:
    """Returns whether garbage is being collected, where Python prints exceptions and goes on."""
    callbacks = [getattr(callback, "__code__", None) for callback in gc.callbacks]
    while frame is not None:
        if frame.f_code in callbacks or frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False
