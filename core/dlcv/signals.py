"""Signals that end a command: ctrl+c, SIGTERM, and SIGHUP, which comes when a terminal is closed.

It imports little, since a signal may come as soon as the command begins.
"""

import contextlib
import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
IMPORTING = ("<frozen importlib",)
_before_exit: "list[Callable[[], object]]" = []
_received = 0


@contextlib.contextmanager
def calling_before_exit(call: "Callable[[], object]") -> "Iterator[None]":
    """Has something called if the process ends within an import, where no block is left in order.

    What is called last is what was asked for first.
    """
    _before_exit.append(call)
    try:
        yield
    finally:
        _before_exit.remove(call)


def end_command() -> None:
    """Lets the first signal end the command in order, and the second end it at once."""
    _handle(_end)


def end_at_once() -> None:
    """Lets a signal end the process without a word: what the command had to do is done."""
    _handle(lambda number, _: os._exit(128 + number))


def received() -> int:
    """Returns the number of the signal that ends the command, 0 if none came."""
    return _received


@contextlib.contextmanager
def handled(handler: "Callable[[int, FrameType | None], object]") -> "Iterator[dict[int, Any]]":
    """Has a function handle the signals that end a command; gives what handled each before.

    Those stay ignored that whoever started the process lets it ignore, as `nohup` does.
    """
    before = _handle(handler)
    try:
        yield before
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def leave_closed_terminal() -> None:
    """Sends what is printed to a terminal that was closed to nowhere, where it is no error."""
    import select

    for descriptor in (1, 2):
        poll = select.poll()
        poll.register(descriptor, 0)
        if any(events & select.POLLHUP for _, events in poll.poll(0)):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, descriptor)
            os.close(nowhere)


def _handle(handler: "Callable[[int, FrameType | None], object]") -> "dict[int, Any]":
    return {n: signal.signal(n, handler) for n in ENDING if signal.getsignal(n) != signal.SIG_IGN}


def _end(number: int, frame: "FrameType | None") -> None:
    global _received
    _received = number
    if is_within(frame, ("__del__",)):  # There, Python would print an exception, and go on.
        signal.signal(signal.SIGALRM, lambda _, later: _end(number, later))
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        return
    sys.unraisablehook = lambda _: None  # What objects say that the signal leaves half-made.
    signal.signal(number, signal.SIG_DFL)
    if number == signal.SIGHUP:
        leave_closed_terminal()
    if is_within(frame, IMPORTING):
        # Modules are left half-made by an exception, and many catch it: some go on without what
        # they import, and those written in C report that their "initialization failed".
        for call in reversed(_before_exit):
            with contextlib.suppress(Exception):
                call()
        os.write(2, b"dlcv: stopped\n")
        os._exit(128 + number)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)


def is_within(frame: "FrameType | None", names: "tuple[str, ...]") -> bool:
    """Returns whether one of some functions is running, or a module whose file begins like one."""
    while frame is not None:
        if frame.f_code.co_name in names or frame.f_code.co_filename.startswith(names):
            return True
        frame = frame.f_back
    return False
