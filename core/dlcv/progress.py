"""Progress of long work: a bar with rate and time left on a terminal, plain lines in a log."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

logger = logging.getLogger(__name__)
SECONDS_BETWEEN_LINES = 10.0


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
def track(description: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
    """Shows how far a piece of work is; the value of the block is called with what was done.

    Args:
        description: What is done.
        total: How much there is to do.
        unit: What is counted, in the plural.
    """
    start = last_line = time.monotonic()
    done = 0

    def rate() -> str:
        return f"{done / max(time.monotonic() - start, 1e-9):,.0f} {unit}/s"

    if shows_bars():
        with bar() as progress:
            task = progress.add_task(description, total=total, note="")

            def advance(count: int) -> None:
                nonlocal done
                done += count
                progress.update(task, completed=done, note=rate())

            yield advance
        return

    def say(count: int) -> None:
        nonlocal done, last_line
        done += count
        now = time.monotonic()
        if now - last_line >= SECONDS_BETWEEN_LINES:
            left = (total - done) * (now - start) / done
            logger.info("%s: %d of %d, %s, %.0f s left", description, done, total, rate(), left)
            last_line = now

    yield say
