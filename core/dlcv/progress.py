"""Progress of long work: a bar with rate and time left on a terminal, plain lines in a log."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import Progress

logger = logging.getLogger(__name__)
SECONDS_BETWEEN_LINES = 10.0


class Advance(Protocol):
    """Tells what was done since the last call."""

    def __call__(self, count: int, note: str = "") -> None:
        """Adds `count` to what was done; the note is shown beside it."""


def shows_bars() -> bool:
    """Returns whether bars can be drawn: somebody watches a terminal and did not ask for quiet."""
    return logger.isEnabledFor(logging.INFO) and sys.stderr.isatty()


def bar() -> "Progress":
    """Returns a rich bar with count, rate and time left, on the standard error stream."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True),
        transient=True,
    )


@contextmanager
def waiting(description: str) -> Iterator[None]:
    """Shows on a terminal, until the block ends, what is waited for where nothing is counted."""
    if not shows_bars():
        yield
        return
    text = f"{description} ..."
    print(text, end="\r", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        print(" " * len(text), end="\r", file=sys.stderr, flush=True)


@contextmanager
def track(description: str, total: int, unit: str, *, done: int = 0) -> Iterator[Advance]:
    """Shows how far a piece of work is; the value of the block is called with what was done.

    Args:
        description: What is done.
        total: How much there is to do.
        unit: What is counted, in the plural.
        done: How much was done before.
    """
    start = last_line = time.monotonic()
    before = done

    def rate() -> str:
        return f"{(done - before) / max(time.monotonic() - start, 1e-9):,.0f} {unit}/s"

    if shows_bars():
        with bar() as progress:
            task = progress.add_task(description, total=total, completed=done, note="")

            def advance(count: int, note: str = "") -> None:
                nonlocal done
                done += count
                progress.update(task, completed=done, note=f"{rate()}  {note}".rstrip())

            yield advance
        return

    def say(count: int, note: str = "") -> None:
        nonlocal done, last_line
        done += count
        now = time.monotonic()
        if now - last_line >= SECONDS_BETWEEN_LINES:
            left = (total - done) * (now - start) / max(done - before, 1)
            line = f"{description}: {done} of {total}, {rate()}, {left:.0f} s left"
            logger.info("%s", f"{line}, {note}" if note else line)
            last_line = now

    yield say
