"""Runs without pictures: to draw curves and to write a report takes most of a tiny run's time."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def switched(*, on: bool) -> Iterator[None]:
    """Lets the runs of a block draw `curves.png` and write `report.html`, or do without."""
    from dlcv.training.history import History
    from dlcv_plugins.report import write

    before = History.draw, write.report_finished
    both = [getattr(function, "real", function) for function in before]
    if not on:
        both = [_left_out(function) for function in both]
    History.draw, write.report_finished = both
    try:
        yield
    finally:
        History.draw, write.report_finished = before


def _left_out(real: Callable[[Any], Any]) -> Callable[[Any], None]:
    def nothing(of: Any) -> None:
        """Does nothing in place of `real`."""

    nothing.real = real
    return nothing
